//! Things that are asked for by a secret, a few and for a time: device codes, authorization codes,
//! pages under way, refresh tokens. The secrets themselves are not kept, only their digests.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::{issue::random_text, signing_key::KeyFailure};

/// Things of a kind, the oldest first.
pub(super) struct Kept<T> {
    most: usize,
    lifetime: SignedDuration,
    entries: VecDeque<Entry<T>>,
}

struct Entry<T> {
    digest: [u8; 32],
    expires: Timestamp,
    thing: T,
}

/// Why there is nothing to be had for a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absent {
    /// It was never given out, or what it stands for was taken or pushed out.
    Unknown,
    /// Its time is over.
    Expired,
}

impl<T> Kept<T> {
    /// Keeps at most so many. Whoever asks for more pushes out the oldest: nobody can fill the memory.
    pub(super) const fn new(most: usize, lifetime: SignedDuration) -> Self {
        Self {
            most,
            lifetime,
            entries: VecDeque::new(),
        }
    }

    /// How long a thing is kept.
    pub(super) const fn lifetime(&self) -> SignedDuration {
        self.lifetime
    }

    /// Takes a thing in and returns the secret that it is asked for by.
    pub(super) fn add(&mut self, thing: T, now: Timestamp) -> Result<String, KeyFailure> {
        let secret = random_text::<32>()?;
        self.entries.retain(|entry| entry.expires > now);
        while self.entries.len() >= self.most {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry {
            digest: digest(&secret),
            expires: now.checked_add(self.lifetime).unwrap_or(Timestamp::MAX),
            thing,
        });
        Ok(secret)
    }

    /// What a secret stands for.
    pub(super) fn find(&mut self, secret: &str, now: Timestamp) -> Result<&mut T, Absent> {
        let digest = digest(secret);
        let mut entries = self.entries.iter_mut();
        match entries.find(|entry| entry.digest == digest) {
            None => Err(Absent::Unknown),
            Some(entry) if entry.expires <= now => Err(Absent::Expired),
            Some(entry) => Ok(&mut entry.thing),
        }
    }

    /// What a secret stands for, which is not kept any longer.
    pub(super) fn take(&mut self, secret: &str, now: Timestamp) -> Result<T, Absent> {
        self.find(secret, now)?;
        let digest = digest(secret);
        let position = self.entries.iter().position(|entry| entry.digest == digest);
        position
            .and_then(|index| self.entries.remove(index))
            .map(|entry| entry.thing)
            .ok_or(Absent::Unknown)
    }

    /// The first thing of which this is true.
    pub(super) fn search(&mut self, now: Timestamp, is_it: impl Fn(&T) -> bool) -> Option<&mut T> {
        let mut entries = self.entries.iter_mut();
        let found = entries.find(|entry| entry.expires > now && is_it(&entry.thing));
        found.map(|entry| &mut entry.thing)
    }

    /// Lets go of everything of which this is not true.
    pub(super) fn retain(&mut self, stays: impl Fn(&T) -> bool) {
        self.entries.retain(|entry| stays(&entry.thing));
    }
}

fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: SignedDuration = SignedDuration::from_mins(1);

    #[test]
    fn things_are_bounded_in_number() {
        let now = Timestamp::UNIX_EPOCH;
        let mut kept = Kept::new(3, MINUTE);
        let secrets: Vec<_> = (0..4).map(|thing| kept.add(thing, now).unwrap()).collect();
        assert_eq!(kept.find(&secrets[0], now), Err(Absent::Unknown));
        assert_eq!(kept.find(&secrets[1], now), Ok(&mut 1));
        assert_eq!(kept.take(&secrets[3], now), Ok(3));
        assert_eq!(kept.take(&secrets[3], now), Err(Absent::Unknown));
        assert_eq!(kept.search(now, |thing| *thing > 1), Some(&mut 2));
        kept.retain(|thing| *thing == 2);
        assert_eq!(kept.find(&secrets[1], now), Err(Absent::Unknown));
        assert_eq!(kept.find("", now), Err(Absent::Unknown));
    }

    #[test]
    fn things_are_bounded_in_time() {
        let now = Timestamp::UNIX_EPOCH;
        let mut kept = Kept::new(3, MINUTE);
        let secret = kept.add("thing", now).unwrap();
        let end = now + MINUTE;
        assert!(
            kept.find(&secret, end - SignedDuration::from_millis(1))
                .is_ok()
        );
        assert_eq!(kept.find(&secret, end), Err(Absent::Expired));
        assert_eq!(kept.take(&secret, end), Err(Absent::Expired));
        assert_eq!(kept.search(end, |_| true), None);
        kept.add("another", end).unwrap();
        assert_eq!(kept.entries.len(), 1);
    }
}
