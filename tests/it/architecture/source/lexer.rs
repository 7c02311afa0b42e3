//! Tells code from comments and literals. Not a parser: it only has to be right about where each ends.

/// A file taken apart.
#[derive(Default)]
pub(super) struct Lexed {
    pub(super) code: String,
    pub(super) strings: Vec<(usize, String)>,
}

/// Blanks comments and the insides of literals, keeping every line and offset where it was.
pub(super) fn lex(text: &str) -> Lexed {
    let mut code = text.as_bytes().to_vec();
    let mut strings = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let Some((length, opening, closing)) = literal_or_comment(text, at) else {
            at += 1;
            continue;
        };
        let end = at + length;
        if closing > 0 && text[at..end].ends_with(['"', '#']) {
            strings.push((at, text[at + opening..end - closing].to_owned()));
        }
        blank(&mut code[at..end]);
        at = end;
    }
    // What remains above ASCII is in identifiers, of which there are none here.
    code.iter_mut()
        .filter(|byte| !byte.is_ascii())
        .for_each(|byte| *byte = b' ');
    Lexed {
        code: String::from_utf8(code).expect("ASCII alone is UTF-8"),
        strings,
    }
}

fn blank(bytes: &mut [u8]) {
    bytes
        .iter_mut()
        .filter(|byte| **byte != b'\n')
        .for_each(|byte| *byte = b' ');
}

/// How long the comment or literal here is, and how long its delimiters are; comments have none.
fn literal_or_comment(text: &str, at: usize) -> Option<(usize, usize, usize)> {
    let rest = &text.as_bytes()[at..];
    match rest[0] {
        b'/' if rest.starts_with(b"//") => Some((find(rest, b"\n", 0), 0, 0)),
        b'/' if rest.starts_with(b"/*") => Some((block_comment(rest), 0, 0)),
        b'"' => Some((quoted(rest, 1, b'"'), 1, 1)),
        b'\'' => char_literal(text, at).map(|length| (length, 1, 1)),
        b'r' | b'b' | b'c' if at == 0 || !is_word(text.as_bytes()[at - 1]) => prefixed_string(rest),
        _ => None,
    }
}

/// `r"…"`, `br#"…"#`, `b"…"` and their like.
fn prefixed_string(rest: &[u8]) -> Option<(usize, usize, usize)> {
    let prefix = rest
        .iter()
        .take_while(|byte| matches!(byte, b'r' | b'b' | b'c'))
        .count();
    let hashes = rest[prefix..]
        .iter()
        .take_while(|byte| **byte == b'#')
        .count();
    let opening = prefix + hashes + 1;
    if rest.get(opening - 1) != Some(&b'"') {
        return None;
    }
    if !rest[..prefix].contains(&b'r') {
        return (hashes == 0).then(|| (quoted(rest, opening, b'"'), opening, 1));
    }
    let closing = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
    let length = (find(rest, &closing, opening) + closing.len()).min(rest.len());
    Some((length, opening, closing.len()))
}

/// A quote opens a character only where another one closes it; otherwise it begins a lifetime.
fn char_literal(text: &str, at: usize) -> Option<usize> {
    let mut inside = text[at + 1..].chars();
    let first = inside.next()?;
    if first == '\\' {
        return Some(quoted(&text.as_bytes()[at..], 1, b'\''));
    }
    (inside.next() == Some('\'')).then(|| 2 + first.len_utf8())
}

fn quoted(rest: &[u8], opening: usize, quote: u8) -> usize {
    let mut at = opening;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            (at, depth) = (at + 2, depth + 1);
        } else if rest[at..].starts_with(b"*/") {
            (at, depth) = (at + 2, depth - 1);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

fn find(rest: &[u8], wanted: &[u8], from: usize) -> usize {
    let found = rest[from..]
        .windows(wanted.len())
        .position(|window| window == wanted);
    found.map_or(rest.len(), |index| from + index)
}

/// Where the bracket that opens here is closed: the offset after it.
pub(super) fn end_of_block(code: &str, opening: usize) -> usize {
    let mut depth = 0_usize;
    for (index, byte) in code.bytes().enumerate().skip(opening) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return index + 1;
                }
            }
            _ => {}
        }
    }
    code.len()
}

/// Every identifier, with where it begins.
pub(super) fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let bytes = code.as_bytes();
        while at < bytes.len() && !is_word(bytes[at]) {
            at += 1;
        }
        let start = at;
        while at < bytes.len() && is_word(bytes[at]) {
            at += 1;
        }
        (start < at).then(|| (start, &code[start..at]))
    })
}

pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
