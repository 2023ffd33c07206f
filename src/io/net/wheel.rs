//! A wheel of coarse deadlines: moving one later is one store, so that every request can have its own.
//!
//! **Shape.** One thread. 256 slots of one tick each; a slot is a list threaded through the entries, one entry per connection.
//! **Invariants.** I1: an armed entry is linked in a slot that comes round at or before its deadline. I2: `occupied` has a bit for each
//! slot that is not empty. **Limits.** An entry that was moved later, or disarmed, is looked at once in vain when its slot comes round;
//! a deadline beyond the wheel is looked at once a round.

/// Slots; a power of two.
const SLOTS: u64 = 256;
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Entry {
    previous: u32,
    next: u32,
    /// The tick at which its slot comes round; `u64::MAX` if it is not linked.
    comes: u64,
    /// The tick of the deadline; `u64::MAX` for none.
    due: u64,
}

const UNLINKED: Entry = Entry { previous: NONE, next: NONE, comes: u64::MAX, due: u64::MAX };

#[derive(Debug)]
pub(super) struct Wheel {
    slots: [u32; SLOTS as usize],
    occupied: [u64; SLOTS as usize / 64],
    entries: Vec<Entry>,
    /// All ticks up to this one are done with.
    now: u64,
}

impl Wheel {
    pub(super) fn new() -> Wheel {
        Wheel { slots: [NONE; SLOTS as usize], occupied: [0; SLOTS as usize / 64], entries: Vec::new(), now: 0 }
    }

    /// Sets the deadline of an entry; one in the past is due at the next tick.
    pub(super) fn arm(&mut self, index: usize, due: u64) {
        if index >= self.entries.len() {
            self.entries.resize(index + 1, UNLINKED);
        }
        let due = due.max(self.now + 1);
        self.entries[index].due = due;
        if self.entries[index].comes > due {
            self.unlink(index);
            self.link(index, due);
        }
    }

    /// Takes the deadline away; lazily, so that it can be set again at no cost.
    pub(super) fn disarm(&mut self, index: usize) {
        if let Some(entry) = self.entries.get_mut(index) {
            entry.due = u64::MAX;
        }
    }

    /// Takes the entry out.
    pub(super) fn remove(&mut self, index: usize) {
        if index < self.entries.len() {
            self.unlink(index);
            self.entries[index].due = u64::MAX;
        }
    }

    fn link(&mut self, index: usize, due: u64) {
        let comes = due.min(self.now + SLOTS - 1);
        let slot = (comes % SLOTS) as usize;
        let next = self.slots[slot];
        if next != NONE {
            self.entries[next as usize].previous = index as u32;
        }
        self.slots[slot] = index as u32;
        self.occupied[slot / 64] |= 1 << (slot % 64);
        let entry = &mut self.entries[index];
        (entry.previous, entry.next, entry.comes) = (NONE, next, comes);
    }

    fn unlink(&mut self, index: usize) {
        let Entry { previous, next, comes, .. } = self.entries[index];
        if comes == u64::MAX {
            return;
        }
        let slot = (comes % SLOTS) as usize;
        match previous {
            NONE => self.slots[slot] = next,
            _ => self.entries[previous as usize].next = next,
        }
        if next != NONE {
            self.entries[next as usize].previous = previous;
        }
        if self.slots[slot] == NONE {
            self.occupied[slot / 64] &= !(1 << (slot % 64));
        }
        self.entries[index].comes = u64::MAX;
    }

    /// The next tick at which something comes round.
    pub(super) fn next(&self) -> Option<u64> {
        let (first, mut ahead) = (self.now + 1, 0);
        while ahead < SLOTS {
            let slot = (first + ahead) % SLOTS;
            let bits = self.occupied[(slot / 64) as usize] >> (slot % 64);
            if bits != 0 {
                return Some(first + ahead + u64::from(bits.trailing_zeros()));
            }
            ahead += 64 - slot % 64;
        }
        None
    }

    /// Turns to tick `now`; `due` gets those whose deadline has passed, disarmed.
    pub(super) fn turn(&mut self, now: u64, due: &mut Vec<usize>) {
        while let Some(tick) = self.next().filter(|tick| *tick <= now) {
            self.now = tick;
            let mut index = self.slots[(tick % SLOTS) as usize];
            while index != NONE {
                let place = index as usize;
                index = self.entries[place].next;
                self.unlink(place);
                match self.entries[place].due {
                    u64::MAX => {}
                    later if later > tick => self.link(place, later),
                    _ => {
                        self.entries[place].due = u64::MAX;
                        due.push(place);
                    }
                }
            }
        }
        self.now = self.now.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn fires_what_a_sorted_map_fires(steps in proptest::collection::vec((0..4_u8, 0..8_usize, 1..700_u64), 1..200)) {
            let (mut wheel, mut plain, mut now) = (Wheel::new(), BTreeMap::new(), 0);
            for (what, index, ticks) in steps {
                match what {
                    0 => { wheel.arm(index, now + ticks); plain.insert(index, now + ticks); }
                    1 => { wheel.disarm(index); plain.remove(&index); }
                    2 => { wheel.remove(index); plain.remove(&index); }
                    _ => {
                        now += ticks;
                        let mut due = Vec::new();
                        wheel.turn(now, &mut due);
                        due.sort_unstable();
                        let expected: Vec<usize> = plain.iter().filter(|(_, due)| **due <= now).map(|(index, _)| *index).collect();
                        plain.retain(|_, due| *due > now);
                        prop_assert_eq!(due, expected);
                    }
                }
                let first = plain.values().min().copied();
                prop_assert!(first.is_none_or(|first| wheel.next().is_some_and(|next| next <= first && next > now)));
            }
            wheel.turn(now + 2_000, &mut Vec::new());
            prop_assert_eq!(wheel.next(), None);
        }
    }
}
