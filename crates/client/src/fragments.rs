//! Finds a piece of a long secret in a text.
//!
//! Services shorten what they quote: the first characters of a file, or one
//! line of a key wrapped anew. Of a long secret in base64 or PEM form any 15
//! characters in a row are recognised, and everything up to the next blank,
//! quotation mark or bracket is hidden with them.
//!
//! It costs one pass over the text and, only where that holds a run of such
//! characters at all, one over each secret. Whole secrets, short ones and other
//! spellings are the business of [`super::spelling`].

use std::borrow::Cow;
use std::collections::HashSet;

/// Shorter secrets are masked as a whole only: a part of a password can be a
/// word that the message needs.
const LONG: usize = 160;

/// Length of a recognised piece.
const PIECE: usize = 12;

/// Pieces are taken this far apart, which is one unit of base64. So
/// `PIECE + STEP - 1` characters in a row hold one, wherever they begin.
const STEP: usize = 4;

/// The text with `mask` in the place of everything that holds a piece of a long
/// secret.
pub(crate) fn masked<'a>(text: &'a str, secrets: &[&str], mask: &str) -> Cow<'a, str> {
    let long = || secrets.iter().filter(|secret| secret.len() >= LONG);
    if long().next().is_none() || runs(text).all(|run| run.len() < PIECE) {
        return Cow::Borrowed(text);
    }
    let pieces: HashSet<&[u8]> = long()
        .flat_map(|secret| runs(secret))
        .flat_map(|run| run.as_bytes().windows(PIECE).step_by(STEP))
        .collect();
    let holds_piece = |word: &str| {
        let mut windows = word.as_bytes().windows(PIECE);
        windows.any(|window| pieces.contains(window))
    };
    if !text.split(is_boundary).any(holds_piece) {
        return Cow::Borrowed(text);
    }
    let words = text.split_inclusive(is_boundary).map(|word| {
        let inside = word.trim_end_matches(is_boundary);
        let boundary = &word[inside.len()..];
        let shown = if holds_piece(inside) { mask } else { inside };
        [shown, boundary]
    });
    Cow::Owned(words.flatten().collect())
}

/// Runs of characters of base64.
fn runs(text: &str) -> impl Iterator<Item = &str> {
    text.split(|one: char| !(one.is_ascii_alphanumeric() || matches!(one, '+' | '/' | '=')))
}

/// Where a piece certainly ends.
fn is_boundary(one: char) -> bool {
    one.is_whitespace() || "\"'`()[]{}<>,:;".contains(one)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    const MASK: &str = "(hidden)";
    const CERTAIN: usize = PIECE + STEP - 1;

    /// Base64 of bytes that look random.
    fn secret(length: u32) -> String {
        let byte = |index: u32| (index.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0];
        STANDARD.encode((0..length).map(byte).collect::<Vec<u8>>())
    }

    #[test]
    fn any_piece_of_a_long_secret_is_hidden_and_nothing_else() {
        let secret = secret(200);
        for start in 0..secret.len() - CERTAIN {
            let piece = &secret[start..start + CERTAIN];
            let text = format!("Content \"{piece}\" of certificate.pem is wrong");
            let expected = format!("Content \"{MASK}\" of certificate.pem is wrong");
            assert_eq!(masked(&text, &[&secret], MASK), expected, "{start}");
        }
        let harmless =
            "Invalid certificate: authentication/configuration of subaccountCertificates";
        assert_eq!(masked(harmless, &[&secret], MASK), harmless);
    }

    #[test]
    fn a_piece_is_hidden_to_its_end_where_it_is_escaped() {
        let secret = secret(200);
        let piece = format!("{}\\n{}%2B\\u003d", &secret[5..40], &secret[40..44]);
        let text = format!("got {piece}, sorry");
        assert_eq!(masked(&text, &[&secret], MASK), "got (hidden), sorry");
    }

    #[test]
    fn a_part_of_a_short_secret_may_be_a_word() {
        let secret = &secret(200)[..LONG - 1];
        let text = &secret[..40];
        assert_eq!(masked(text, &[secret], MASK), text);
    }

    #[test]
    fn a_big_file_in_a_big_text_is_hidden_as_well() {
        let secret = secret(3_000_000);
        let text = format!("{}!{}", &secret[3..2_000_000], &secret[2_000_003..]);
        assert_eq!(masked(&text, &[&secret], MASK), MASK);
    }
}
