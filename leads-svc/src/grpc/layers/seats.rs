//! Places that are limited in all and for one holder: connections of an address, calls of a key.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

/// Places for holders that `K` tells apart. Clones share them.
#[derive(Debug)]
pub struct Seats<K> {
    taken: Arc<Mutex<Taken<K>>>,
    all: usize,
    for_one: usize,
}

#[derive(Debug)]
struct Taken<K> {
    all: usize,
    by_holder: HashMap<K, usize>,
}

/// A place; dropping it frees it.
#[derive(Debug)]
pub struct Seat<K: Hash + Eq> {
    taken: Arc<Mutex<Taken<K>>>,
    holder: K,
}

impl<K: Hash + Eq + Clone> Seats<K> {
    /// So many places in all, and so many for one holder.
    pub fn new(all: usize, for_one: usize) -> Self {
        let taken = Taken {
            all: 0,
            by_holder: HashMap::new(),
        };
        Self {
            taken: Arc::new(Mutex::new(taken)),
            all,
            for_one,
        }
    }

    /// A place for a holder, if there is one.
    pub fn take(&self, holder: K) -> Option<Seat<K>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.by_holder.get(&holder).copied().unwrap_or_default();
        if own >= self.for_one || taken.all >= self.all {
            return None;
        }
        taken.all += 1;
        taken.by_holder.insert(holder.clone(), own + 1);
        Some(Seat {
            taken: self.taken.clone(),
            holder,
        })
    }
}

impl<K> Clone for Seats<K> {
    fn clone(&self) -> Self {
        Self {
            taken: self.taken.clone(),
            all: self.all,
            for_one: self.for_one,
        }
    }
}

impl<K: Hash + Eq> Drop for Seat<K> {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        if let Some(own) = taken.by_holder.get_mut(&self.holder) {
            *own -= 1;
            if *own == 0 {
                taken.by_holder.remove(&self.holder);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_in_all_and_for_one_and_become_free() {
        let seats = Seats::new(3, 2);
        let first = seats.take("a").unwrap();
        let _second = seats.take("a").unwrap();
        assert!(seats.take("a").is_none());
        let third = seats.take("b").unwrap();
        assert!(seats.take("c").is_none());
        drop(first);
        let fourth = seats.take("a").unwrap();
        assert!(seats.take("c").is_none());
        drop((third, fourth));
        assert!(seats.take("c").is_some());
        let taken = seats.taken.lock().unwrap();
        assert_eq!((taken.all, taken.by_holder.len()), (1, 1));
    }
}
