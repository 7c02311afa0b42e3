//! Follows a request's body to its end, so that the next head is recognised where it begins.
//!
//! The bytes are only counted here. hyper reads them for what they hold.

/// What is left of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Framing(State);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The body has ended.
    Ended,
    /// It is no body that can be followed.
    Lost,
    /// So many bytes are to come.
    Length(u64),
    /// Within the number of a chunk's bytes, of which there have been digits or not.
    Size { value: u64, digits: Digits },
    /// Behind that number, up to the line's end.
    Extension { value: u64 },
    /// Behind the line's carriage return.
    SizeEnd { value: u64 },
    /// Within a chunk.
    Data { left: u64 },
    /// Behind a chunk.
    DataEnd,
    /// Behind a chunk and its carriage return.
    DataLineEnd,
    /// Within a trailer's line.
    Trailer(Line),
    /// Behind a trailer line's carriage return.
    TrailerEnd(Line),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Digits {
    None,
    Some,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Empty,
    Text,
}

impl Framing {
    /// No body.
    pub(super) fn none() -> Self {
        Self(State::Ended)
    }

    /// A body of so many bytes.
    pub(super) fn length(bytes: u64) -> Self {
        Self(if bytes == 0 {
            State::Ended
        } else {
            State::Length(bytes)
        })
    }

    /// A body in chunks.
    pub(super) fn chunked() -> Self {
        Self(State::Size {
            value: 0,
            digits: Digits::None,
        })
    }

    /// True if the next byte belongs to another request.
    pub(super) fn ended(&self) -> bool {
        self.0 == State::Ended
    }

    /// True if the chunks make no sense: what follows cannot be told apart any more.
    pub(super) fn lost(&self) -> bool {
        self.0 == State::Lost
    }

    /// Goes on over `bytes` and tells how many of them belong to the body.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        while !rest.is_empty() && !self.ended() && !self.lost() {
            let taken = self.step(rest);
            rest = rest.get(taken..).unwrap_or_default();
        }
        bytes.len() - rest.len()
    }

    /// Goes on by a byte, or by as many as need not be looked at. There is at least one.
    fn step(&mut self, bytes: &[u8]) -> usize {
        if let State::Length(left) | State::Data { left } = self.0 {
            let taken = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
            let left = left - taken as u64;
            self.0 = match self.0 {
                State::Length(_) if left == 0 => State::Ended,
                State::Length(_) => State::Length(left),
                _ if left == 0 => State::DataEnd,
                _ => State::Data { left },
            };
            return taken;
        }
        self.0 = match bytes.first() {
            Some(byte) => self.0.after(*byte),
            None => self.0,
        };
        1
    }
}

impl State {
    fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (
                Self::Size {
                    value,
                    digits: Digits::Some,
                }
                | Self::Extension { value },
                b'\r',
            ) => Self::SizeEnd { value },
            (
                Self::Size {
                    value,
                    digits: Digits::Some,
                },
                b';' | b' ' | b'\t',
            ) => Self::Extension { value },
            (Self::Size { value, .. }, digit) => Self::after_digit(value, digit),
            (Self::Extension { .. }, b'\n') => Self::Lost,
            (Self::Extension { value }, _) => Self::Extension { value },
            (Self::SizeEnd { value: 0 } | Self::TrailerEnd(Line::Text), b'\n') => {
                Self::Trailer(Line::Empty)
            }
            (Self::SizeEnd { value }, b'\n') => Self::Data { left: value },
            (Self::DataEnd, b'\r') => Self::DataLineEnd,
            (Self::DataLineEnd, b'\n') => Framing::chunked().0,
            (Self::Trailer(line), b'\r') => Self::TrailerEnd(line),
            (Self::Trailer(_), _) => Self::Trailer(Line::Text),
            (Self::TrailerEnd(Line::Empty), b'\n') => Self::Ended,
            _ => Self::Lost,
        }
    }

    fn after_digit(value: u64, digit: u8) -> Self {
        let digit = char::from(digit).to_digit(16);
        digit
            .and_then(|digit| value.checked_mul(16)?.checked_add(digit.into()))
            .map_or(Self::Lost, |value| Self::Size {
                value,
                digits: Digits::Some,
            })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CHUNKS: &[u8] =
        b"4\r\nWiki\r\nB;name=value\r\npedia in ch\r\n0\r\nTrailer: x\r\n\r\nGET / HTTP/1.1\r\n";
    const CHUNKS_END: usize = CHUNKS.len() - b"GET / HTTP/1.1\r\n".len();

    #[test]
    fn a_body_ends_where_it_says() {
        let mut framing = Framing::length(5);
        assert_eq!(framing.advance(b"abc"), 3);
        assert!(!framing.ended());
        assert_eq!(framing.advance(b"defg"), 2);
        assert!(framing.ended());
        assert_eq!(framing.advance(b"x"), 0);
        assert!(Framing::length(0).ended());

        let mut framing = Framing::chunked();
        assert_eq!(framing.advance(CHUNKS), CHUNKS_END);
        assert!(framing.ended());
    }

    #[test]
    fn senseless_chunks_are_noticed() {
        let senseless: [&[u8]; 8] = [
            b"\r\n",
            b"x\r\n",
            b"-1\r\n",
            b"4\nWiki",
            b"1\r\nab",
            b"1\r\na\n",
            b"fffffffffffffffff\r\n",
            b"1;a\n",
        ];
        for bytes in senseless {
            let mut framing = Framing::chunked();
            framing.advance(bytes);
            assert!(framing.lost(), "{:?}", bytes.escape_ascii().to_string());
        }
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(cut in 1_usize..80) {
            let mut framing = Framing::chunked();
            let taken: usize = CHUNKS.chunks(cut).map(|piece| framing.advance(piece)).sum();
            prop_assert_eq!(taken, CHUNKS_END);
            prop_assert!(framing.ended());
        }
    }
}
