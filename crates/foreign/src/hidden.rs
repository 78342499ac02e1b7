//! Where in a text a secret stands.
//!
//! Of a secret that is known, and of the text in every decoding of [`view`], the
//! skeletons are compared: the ASCII letters and digits, without regard to case.
//! Ten in a row that are the same are a piece of the secret, twenty where they are
//! nothing but plain words, as in "name of the destination"; the whole secret is
//! one anyway. So it does not matter what is between the letters, how lines break
//! and what was cut off. A secret with fewer than ten of them is found as it is,
//! where it is no part of a longer word.
//!
//! Of a secret that nobody knows the surroundings tell: the name before it, as in
//! `password=`, or its own form.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

use crate::view::{self, View};

/// Letters and digits in a row that are a piece of a secret.
const PIECE: usize = 10;

/// The same where they are plain words.
const WORDS: usize = 20;

/// Fewer characters are no secret that can be hidden: they would hide everything.
const SHORTEST: usize = 4;

/// Encodings that pack a text as a whole, inside each other.
const PACKED: usize = 2;

/// A credential behind `Bearer` or `Basic` is longer, a word of prose is not.
const CREDENTIAL: usize = 16;

/// How names of secrets end, in small letters and without what separates words.
const NAMES: [&[u8]; 13] = [
    b"accesskey",
    b"apikey",
    b"assertion",
    b"authorization",
    b"clientkey",
    b"credential",
    b"credentials",
    b"passphrase",
    b"passwd",
    b"password",
    b"privatekey",
    b"secret",
    b"token",
];

/// How much of a secret matters.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Part {
    /// Any piece.
    Piece,
    /// All of it, or twice a piece.
    Most,
}

/// Whether a value of this name is a secret, as far as a name can tell.
pub(crate) fn names_secret(name: &[u8]) -> bool {
    let letters = name.iter().filter(|byte| byte.is_ascii_alphanumeric());
    let name: Vec<u8> = letters.map(u8::to_ascii_lowercase).collect();
    NAMES.iter().any(|secret| name.ends_with(secret))
}

/// Whether hiding a text would not merely garble messages.
pub(crate) fn is_worth_hiding(secret: &str) -> bool {
    let secret = secret.trim();
    let is = |word: &&str| secret.eq_ignore_ascii_case(word);
    secret.chars().count() >= SHORTEST && !["true", "false", "none", "null"].iter().any(is)
}

/// Where secrets that are known stand.
pub(crate) fn known<'a>(
    text: &str,
    index: &Index,
    secrets: impl Iterator<Item = &'a str>,
    part: Part,
) -> Vec<Range<usize>> {
    let views = views(text);
    let skeletons: Vec<Skeleton<'_>> = views.iter().map(Skeleton::of).collect();
    if !index.may_know(&skeletons) {
        return Vec::new();
    }
    let pieces = pieces(&skeletons);
    let mut found = Vec::new();
    for secret in secrets {
        for form in view::layers(&without_marks(secret)) {
            let skeleton = Skeleton::of(&form);
            if skeleton.letters.len() < PIECE && part == Part::Piece {
                found.extend(views.iter().flat_map(|view| whole(view, &form)));
            } else if !pieces.is_empty() {
                found.extend(cut(&skeletons, &pieces, &skeleton, part));
            }
        }
    }
    let widened = |place| widened(text, place);
    found.into_iter().map(widened).collect()
}

/// Hashes of all secrets that are known. Most texts have none of them, and then no
/// secret has to be looked at: there is one for each destination of a subaccount.
#[derive(Default)]
pub(crate) struct Index {
    hasher: RandomState,
    /// Of every piece of long ones.
    pieces: HashSet<u64>,
    /// Of short ones, by length in bytes.
    whole: BTreeMap<usize, HashSet<u64>>,
}

impl Index {
    pub(crate) fn add(&mut self, secret: &str) {
        for form in view::layers(&without_marks(secret)) {
            let letters = Skeleton::of(&form).letters;
            let pieces = letters.windows(PIECE);
            let pieces = pieces.map(|piece| self.hasher.hash_one(piece));
            self.pieces.extend(pieces);
            if letters.len() < PIECE {
                let bytes = without_space(&form).0;
                let hash = self.hasher.hash_one(&*bytes);
                self.whole.entry(bytes.len()).or_default().insert(hash);
            }
        }
    }

    /// Whether any secret may be in a text; never `false` where one is.
    fn may_know(&self, text: &[Skeleton<'_>]) -> bool {
        let is_in = |bytes: &[u8], length: usize, known: &HashSet<u64>| {
            let mut windows = bytes.windows(length.max(1));
            windows.any(|window| known.contains(&self.hasher.hash_one(window)))
        };
        text.iter().any(|skeleton| {
            is_in(&skeleton.letters, PIECE, &self.pieces) || {
                let bytes = without_space(skeleton.view).0;
                let mut lengths = self.whole.iter();
                lengths.any(|(length, known)| is_in(&bytes, *length, known))
            }
        })
    }
}

/// What of a view is no white space, and which bytes those are.
fn without_space(view: &View) -> (Vec<u8>, Vec<usize>) {
    view.filtered(|byte| !byte.is_ascii_whitespace())
}

/// The text in every decoding.
fn views(text: &str) -> Vec<View> {
    let mut views = view::layers(text);
    let mut packed = 0;
    for _ in 0..PACKED {
        let next: Vec<View> = views.iter().skip(packed).flat_map(view::unpacked).collect();
        packed = views.len();
        views.extend(next);
    }
    views
}

/// The marks of a PEM file are no secret.
fn without_marks(secret: &str) -> String {
    let parts = secret.split("-----");
    let is_mark = |part: &&str| part.starts_with("BEGIN ") || part.starts_with("END ");
    parts.filter(|part| !is_mark(part)).collect()
}

/// The letters and digits of a view, and where in it they are.
struct Skeleton<'a> {
    view: &'a View,
    letters: Vec<u8>,
    places: Vec<usize>,
}

impl<'a> Skeleton<'a> {
    fn of(view: &'a View) -> Self {
        let (mut letters, places) = view.filtered(|byte| byte.is_ascii_alphanumeric());
        letters.make_ascii_lowercase();
        Self {
            view,
            letters,
            places,
        }
    }
}

/// Every ten letters in a row of a text: in which view, and where.
type Pieces<'a> = HashMap<&'a [u8], Vec<(usize, usize)>>;

fn pieces<'a>(skeletons: &'a [Skeleton<'_>]) -> Pieces<'a> {
    let mut pieces = Pieces::new();
    for (view, skeleton) in skeletons.iter().enumerate() {
        for (start, piece) in skeleton.letters.windows(PIECE).enumerate() {
            pieces.entry(piece).or_default().push((view, start));
        }
    }
    pieces
}

/// Where pieces of a long secret stand.
fn cut(
    texts: &[Skeleton<'_>],
    pieces: &Pieces<'_>,
    secret: &Skeleton<'_>,
    part: Part,
) -> Vec<Range<usize>> {
    let secret_pieces = secret.letters.windows(PIECE);
    let mut starts: Vec<_> = secret_pieces
        .filter_map(|piece| pieces.get(piece))
        .flatten()
        .collect();
    starts.sort_unstable();
    let mut runs: Vec<(usize, Range<usize>)> = Vec::new();
    for &(view, start) in starts {
        match runs.last_mut() {
            Some((last, run)) if *last == view && start <= run.end => run.end = start + PIECE,
            _ => runs.push((view, start..start + PIECE)),
        }
    }
    let place = |(text, run): (usize, Range<usize>)| {
        let text = texts.get(text)?;
        let range = *text.places.get(run.start)?..*text.places.get(run.end - 1)? + 1;
        let is_piece = run.len() >= WORDS.min(secret.letters.len())
            || part == Part::Piece && !is_prose(text.view.bytes.get(range.clone())?);
        is_piece.then(|| text.view.place(&range))?
    };
    runs.into_iter().filter_map(place).collect()
}

/// Plain words: letters only, all small, all big, or one big one at the beginning.
fn is_prose(text: &[u8]) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_alphabetic() || !byte.is_ascii();
    let is_separator = |byte: &u8| !is_letter(byte) && !byte.is_ascii_digit();
    text.split(is_separator).all(|word| {
        let is_small = |word: &[u8]| !word.iter().any(u8::is_ascii_uppercase);
        let is_big = !word.iter().any(u8::is_ascii_lowercase);
        word.iter().all(is_letter) && (is_big || is_small(word.get(1..).unwrap_or_default()))
    })
}

/// Where a short secret stands as it is, but for white space.
fn whole(text: &View, secret: &View) -> Vec<Range<usize>> {
    let (secret, _) = without_space(secret);
    let (bytes, places) = without_space(text);
    if secret.len() < SHORTEST {
        return Vec::new();
    }
    // Whether a word goes on from one byte to the next.
    let goes_on = |at: usize| {
        let is_word = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
        let touch = places
            .get(at)
            .zip(places.get(at + 1))
            .is_some_and(|(one, two)| one + 1 == *two);
        touch && is_word(at) && is_word(at + 1)
    };
    let windows = bytes.windows(secret.len()).enumerate();
    let found = windows.filter(|(start, window)| {
        let begins = start.checked_sub(1).is_none_or(|before| !goes_on(before));
        *window == secret && begins && !goes_on(start + secret.len() - 1)
    });
    let place = |(start, _): (usize, _)| {
        text.place(&(*places.get(start)?..*places.get(start + secret.len() - 1)? + 1))
    };
    found.filter_map(place).collect()
}

/// The place with the rest of its word, which may belong to the secret.
fn widened(text: &str, place: Range<usize>) -> Range<usize> {
    let is_boundary = |one: char| one.is_whitespace() || "\"'`()[]{}<>,:;=&@?".contains(one);
    let before = text.get(..place.start).unwrap_or_default();
    let word = before.rsplit(is_boundary).next().unwrap_or_default();
    let after = text.get(place.end..).unwrap_or_default();
    let end = after.find(is_boundary).unwrap_or(after.len());
    place.start - word.len()..place.end + end
}

/// Where the surroundings say that a secret stands.
pub(crate) fn named(text: &str) -> Vec<Range<usize>> {
    let views = view::layers(text);
    views.iter().flat_map(named_in).collect()
}

fn named_in(view: &View) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = view.bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let name = if rest[0].is_ascii_alphanumeric() {
            count(rest, is_name)
        } else {
            0
        };
        let (word, after) = rest.split_at(name);
        let is_element = at > 0 && view.bytes[at - 1] == b'<';
        let value = token(word).or_else(|| {
            let value = value(word, is_element, after)?;
            Some(name + value.start..name + value.end)
        });
        found.extend(value.and_then(|value| view.place(&(at + value.start..at + value.end))));
        at += name.max(1);
    }
    found
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)
}

/// How many bytes at the beginning are such.
fn count(text: &[u8], is_part: impl Fn(u8) -> bool) -> usize {
    text.iter().take_while(|byte| is_part(**byte)).count()
}

/// A JSON web token.
fn token(name: &[u8]) -> Option<Range<usize>> {
    let start = name.windows(3).position(|three| three == b"eyJ")?;
    (name.len() - start > CREDENTIAL).then_some(start..name.len())
}

fn is_scheme(word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"bearer") || word.eq_ignore_ascii_case(b"basic")
}

/// What stands behind the name of a secret: `password=x`, `"clientSecret":"x"`,
/// `<token>x`, `Bearer x`.
fn value(name: &[u8], is_element: bool, after: &[u8]) -> Option<Range<usize>> {
    let skip = |at: usize, bytes: &[u8]| at + count(&after[at..], |byte| bytes.contains(&byte));
    if is_scheme(name) {
        let start = skip(0, b" ");
        let value = word(&after[start..]);
        return (value >= CREDENTIAL).then_some(start..start + value);
    }
    let mark = skip(skip(0, b"\"'`\\"), b" ");
    let is_mark = matches!(after.get(mark)?, b'=' | b':') || is_element && after[mark] == b'>';
    if !is_mark || !names_secret(name) {
        return None;
    }
    let blank = skip(mark, b"=:>");
    let start = skip(blank, b" ");
    let (skipped, length) = quoted(&after[start..]);
    let value = start + skipped..start + skipped + length;
    // After a blank a plain word is a sentence that goes on.
    let is_sentence = start > blank && skipped == 0 && is_prose(&after[value.clone()]);
    (!value.is_empty() && !is_sentence && !is_scheme(&after[value.clone()])).then_some(value)
}

/// Up to the end of a value that is not quoted.
fn word(text: &[u8]) -> usize {
    count(text, |byte| {
        !byte.is_ascii_whitespace() && !b"\"'`&,;<>)]}".contains(&byte)
    })
}

/// A value between two quotation marks that are escaped alike, or a word: where it
/// begins, and how long it is.
fn quoted(text: &[u8]) -> (usize, usize) {
    let escapes = count(text, |byte| byte == b'\\');
    let Some(mark) = text.get(escapes).filter(|byte| b"\"'`".contains(byte)) else {
        return (0, word(text));
    };
    let value = &text[escapes + 1..];
    let mut before = 0;
    for (index, byte) in value.iter().enumerate() {
        if byte == mark && before <= escapes {
            return (escapes + 1, index - before);
        }
        before = if *byte == b'\\' { before + 1 } else { 0 };
    }
    (escapes + 1, value.len())
}
