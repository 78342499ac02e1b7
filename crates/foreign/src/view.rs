//! A text in one of its decodings, each byte with the place in the original that
//! it comes from.
//!
//! Services quote what they were sent as JSON, as a form, in a URL, an HTML page,
//! in base64, and one inside the other. Each layer of escapes is undone in one
//! pass that knows all of them; what is between escapes stays as it is.

use std::ops::Range;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode::Indifferent;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use crate::visible::is_unseen;

/// Encodings inside each other that are undone.
const LAYERS: usize = 6;

/// Fewer characters of base64, digits or numbers in a row hold no piece of a secret.
const SHORTEST_BASE64: usize = 14;
const SHORTEST_HEX: usize = 20;
const SHORTEST_LIST: usize = 10;

/// Escapes that give a number: how they begin, how many digits they have at
/// least and at most, to which base, and how they end.
const NUMBERS: [(&[u8], usize, usize, u32, &[u8]); 11] = [
    (b"\\u{", 1, 6, 16, b"}"),
    (b"\\u", 4, 4, 16, b""),
    (b"\\U", 8, 8, 16, b""),
    (b"\\x", 2, 2, 16, b""),
    (b"\\", 2, 3, 8, b""),
    (b"&#x", 1, 9, 16, b";"),
    (b"&#X", 1, 9, 16, b";"),
    (b"&#", 1, 9, 10, b";"),
    (b"%u", 4, 4, 16, b""),
    (b"%", 2, 2, 16, b""),
    (b"=", 2, 2, 16, b""),
];

/// Escapes that stand for something else, or for nothing that matters.
const WORDS: [(&[u8], &[u8]); 14] = [
    (b"&amp;", b"&"),
    (b"&lt;", b"<"),
    (b"&gt;", b">"),
    (b"&quot;", b"\""),
    (b"&apos;", b"'"),
    (b"&dollar;", b"$"),
    (b"&equals;", b"="),
    (b"\\n", b" "),
    (b"\\r", b" "),
    (b"\\t", b" "),
    (b"\\b", b""),
    (b"\\f", b""),
    (b"\\", b""),
    (b"=\n", b""),
];

#[derive(Default)]
pub(crate) struct View {
    pub(crate) bytes: Vec<u8>,
    places: Vec<Range<usize>>,
}

impl View {
    /// The text itself.
    fn of(text: &str) -> Self {
        let mut view = Self::default();
        for (start, one) in text.char_indices() {
            view.push(one, &(start..start + one.len_utf8()));
        }
        view.without_sequences()
    }

    /// Adds a character, unless it cannot be seen: that must not stand between
    /// two letters.
    fn push(&mut self, one: char, place: &Range<usize>) {
        if one.is_whitespace() || one == '\u{1b}' || !is_unseen(one) {
            let mut bytes = [0; 4];
            for byte in one.encode_utf8(&mut bytes).bytes() {
                self.bytes.push(byte);
                self.places.push(place.clone());
            }
        }
    }

    /// Where in the original a part of it comes from.
    pub(crate) fn place(&self, part: &Range<usize>) -> Option<Range<usize>> {
        let last = self.places.get(part.end.checked_sub(1)?)?;
        Some(self.places.get(part.start)?.start..last.end)
    }

    /// What is left of it where only some bytes count, and which those are.
    pub(crate) fn filtered(&self, counts: impl Fn(u8) -> bool) -> (Vec<u8>, Vec<usize>) {
        let bytes = self.bytes.iter().copied().enumerate();
        let counting = bytes.filter(|(_, byte)| counts(*byte));
        counting.map(|(index, byte)| (byte, index)).unzip()
    }

    /// Without what terminals take for colours: escape, `[`, numbers, a letter.
    fn without_sequences(self) -> Self {
        let mut seen = Self::default();
        let mut skipped = 0;
        for (index, (byte, place)) in self.bytes.iter().zip(self.places).enumerate() {
            let rest = self.bytes.get(index..).unwrap_or_default();
            if let Some(sequence) = rest.strip_prefix(b"\x1b[") {
                let numbers = sequence
                    .iter()
                    .take_while(|byte| matches!(byte, b' '..=b'?'));
                skipped = numbers.count() + 3;
            }
            if skipped == 0 && *byte != b'\x1b' {
                seen.bytes.push(*byte);
                seen.places.push(place);
            }
            skipped = skipped.saturating_sub(1);
        }
        seen
    }

    /// Without one layer of escapes; `None` when there is none.
    fn unescaped(&self) -> Option<Self> {
        let mut next = Self::default();
        let mut at = 0;
        let mut found = false;
        while let Some(byte) = self.bytes.get(at) {
            let escape = escape(self.bytes.get(at..)?);
            let length = escape.as_ref().map_or(1, |(_, length)| *length);
            let place = self.place(&(at..at + length))?;
            match escape {
                Some((Some(one), _)) => next.push(one, &place),
                Some((None, _)) => {}
                None => {
                    next.bytes.push(*byte);
                    next.places.push(place);
                }
            }
            found |= length > 1 || *byte == b'\\';
            at += length;
        }
        found.then(|| next.without_sequences())
    }
}

/// The text, the text without its escapes, without those that showed then, …
pub(crate) fn layers(text: &str) -> Vec<View> {
    let mut views = vec![View::of(text)];
    while views.len() <= LAYERS
        && let Some(next) = views.last().and_then(View::unescaped)
    {
        views.push(next);
    }
    views
}

/// What an escape at the beginning stands for, and how long it is.
fn escape(text: &[u8]) -> Option<(Option<char>, usize)> {
    if !matches!(text.first()?, b'\\' | b'&' | b'%' | b'=') {
        return None;
    }
    let number = NUMBERS
        .iter()
        .find_map(|(prefix, least, most, radix, end)| {
            let rest = text.strip_prefix(*prefix)?;
            let (value, digits) = number(rest.get(..rest.len().min(*most))?, *radix);
            let ends = rest.get(digits..)?.starts_with(end);
            let is_whole = digits >= *least && (ends || *end != b"}");
            let length = prefix.len() + digits + if ends { end.len() } else { 0 };
            is_whole.then(|| (char::from_u32(value), length))
        });
    number.or_else(|| {
        let (escape, text) = WORDS.iter().find(|(escape, _)| text.starts_with(escape))?;
        Some((text.first().copied().map(char::from), escape.len()))
    })
}

/// The digits at the beginning as a number, and how many they are.
fn number(text: &[u8], radix: u32) -> (u32, usize) {
    let digits = text
        .iter()
        .map_while(|byte| char::from(*byte).to_digit(radix));
    digits.fold((0, 0), |(value, count), digit| {
        (value.saturating_mul(radix).saturating_add(digit), count + 1)
    })
}

/// What runs of base64, hexadecimal digits and lists of numbers stand for.
pub(crate) fn unpacked(view: &View) -> Vec<View> {
    let mut views = Vec::new();
    for run in runs(view, |byte| {
        byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte)
    }) {
        if run.len() >= SHORTEST_BASE64 {
            // What was cut off at its beginning begins anywhere in a unit.
            views.extend((0..4).filter_map(|skipped| base64(view, run.start + skipped..run.end)));
        }
        let text = view.bytes.get(run.clone()).unwrap_or_default();
        if run.len() >= SHORTEST_HEX && text.iter().all(u8::is_ascii_hexdigit) {
            let pairs = |start: usize| (start..run.end - 1).step_by(2).map(|at| at..at + 2);
            views.extend((0..2).map(|skipped| of_numbers(view, pairs(run.start + skipped), 16)));
        }
    }
    for run in runs(view, |byte| byte.is_ascii_digit() || b", ".contains(&byte)) {
        let list = view.bytes.get(run.clone()).unwrap_or_default();
        let numbers = of_numbers(
            view,
            parts(list, run.start, |byte| byte.is_ascii_digit()),
            10,
        );
        views.extend((numbers.bytes.len() >= SHORTEST_LIST).then_some(numbers));
    }
    views
}

/// The longest runs of such bytes.
fn runs(view: &View, is_part: impl Fn(u8) -> bool) -> impl Iterator<Item = Range<usize>> {
    parts(&view.bytes, 0, is_part)
}

/// The same of bytes that begin at a place of their own.
fn parts(
    bytes: &[u8],
    mut at: usize,
    is_part: impl Fn(u8) -> bool,
) -> impl Iterator<Item = Range<usize>> {
    bytes.split(move |byte| !is_part(*byte)).map(move |run| {
        let start = at;
        at += run.len() + 1;
        start..start + run.len()
    })
}

fn base64(view: &View, run: Range<usize>) -> Option<View> {
    const TOLERANT: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    let mut text = view.bytes.get(run.clone())?.to_vec();
    for byte in &mut text {
        if let Some(at) = b"-_".iter().position(|other| other == byte) {
            *byte = b"+/"[at];
        }
    }
    // One character alone at the end says nothing.
    text.truncate(text.len() - usize::from(text.len() % 4 == 1));
    let mut decoded = View::default();
    for (index, byte) in TOLERANT.decode(text).ok()?.into_iter().enumerate() {
        let unit = run.start + index / 3 * 4;
        decoded.push(
            char::from(byte),
            &view.place(&(unit..run.end.min(unit + 4)))?,
        );
    }
    Some(decoded.without_sequences())
}

fn of_numbers(view: &View, numbers: impl Iterator<Item = Range<usize>>, radix: u32) -> View {
    let mut bytes = View::default();
    for digits in numbers {
        let text = view.bytes.get(digits.clone()).unwrap_or_default();
        if let Ok(byte) = u8::try_from(number(text, radix).0)
            && let Some(place) = view.place(&digits)
        {
            bytes.push(char::from(byte), &place);
        }
    }
    bytes
}
