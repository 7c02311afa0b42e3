//! A map that forgets its oldest entries rather than grow without end.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
};

/// A map of at most so many entries.
#[derive(Debug)]
pub(super) struct Bounded<K, V> {
    entries: HashMap<K, (u64, V)>,
    /// The keys by age.
    order: BTreeMap<u64, K>,
    next: u64,
    most: usize,
}

impl<K: Copy + Eq + Hash, V> Bounded<K, V> {
    /// An empty map.
    pub(super) fn new(most: usize) -> Self {
        Self {
            entries: HashMap::new(),
            order: BTreeMap::new(),
            next: 0,
            most,
        }
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|(_, value)| value)
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.entries.get_mut(key).map(|(_, value)| value)
    }

    /// Puts an entry in, as the youngest.
    pub(super) fn insert(&mut self, key: K, value: V) {
        self.remove(&key);
        self.entries.insert(key, (self.next, value));
        self.order.insert(self.next, key);
        self.next += 1;
        while self.entries.len() > self.most {
            let Some((_, oldest)) = self.order.pop_first() else {
                break;
            };
            self.entries.remove(&oldest);
        }
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let (age, value) = self.entries.remove(key)?;
        self.order.remove(&age);
        Some(value)
    }

    /// Keeps those of which this is true.
    pub(super) fn retain(&mut self, is_kept: impl Fn(&V) -> bool) {
        let entries = &mut self.entries;
        entries.retain(|_, (_, value)| is_kept(value));
        self.order.retain(|_, key| entries.contains_key(key));
    }

    /// All of them, the oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let value = |key| self.get(key).map(|value| (key, value));
        self.order.values().filter_map(value)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten_first() {
        let mut map = Bounded::new(3);
        for key in 0..5 {
            map.insert(key, key * 10);
        }
        let kept: Vec<_> = map.iter().map(|(key, value)| (*key, *value)).collect();
        assert_eq!(kept, [(2, 20), (3, 30), (4, 40)]);
        map.insert(2, 7);
        map.insert(9, 9);
        assert_eq!((map.get(&2), map.get(&3)), (Some(&7), None));
        map.retain(|value| *value == 7);
        assert_eq!(
            (map.get(&2), map.get(&9), map.order.len()),
            (Some(&7), None, 1)
        );
        assert_eq!(map.remove(&2), Some(7));
        assert!(map.is_empty() && map.order.is_empty());
    }
}
