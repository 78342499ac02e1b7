//! Characters that a terminal obeys or does not show, made visible.
//!
//! Control characters move the cursor, clear the screen and make links; marks of
//! direction reorder what is read; characters without width hide what is there.
//! All of them become `\u{1b}` and the like; line feed and tab stay, as white
//! space, which is the caller's to fold.

use std::fmt::Write as _;

/// The text with every such character written as what it is.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for one in text.chars() {
        if is_unseen(one) && !matches!(one, '\n' | '\t') {
            // Writing into a string does not fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(one));
        } else {
            shown.push(one);
        }
    }
    shown
}

/// The same, and so many bytes of it at most; what is cut off shows as `…`.
pub fn visible_beginning(text: &str, longest: usize) -> String {
    // Nothing gets shorter by being made visible.
    let beginning = text.floor_char_boundary(longest + 1);
    let mut shown = visible(text.get(..beginning).unwrap_or_default());
    if shown.len() > longest {
        shown.truncate(shown.floor_char_boundary(longest));
        shown.push('…');
    }
    shown
}

/// Whether everything in the text can be seen as it is.
pub fn is_visible(text: &str) -> bool {
    !text.chars().any(is_unseen)
}

/// Control and format characters, line separators, fillers and tags.
pub(crate) fn is_unseen(one: char) -> bool {
    one.is_control()
        || matches!(one,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}
