//! Which worker belongs to which CPU: pins it, picks the sleeper whose CPU is idle, and lets go where the pin hurts.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use super::config::{JUDGED_WAKES, LATE, LATE_WAKES_MAX, Pin};
use crate::runtime::topology::{Topology, current_cpu, pin_current_thread, unpin_current_thread};

/// The pool's view: for each CPU the workers that are pinned to it, one bit each.
pub(super) struct Placement {
    topology: Topology,
    pin: AtomicU8,
    pinned: Vec<AtomicU64>,
    one_node: bool,
}

impl Placement {
    pub(super) fn new(topology: Topology, pin: Pin) -> Placement {
        let pinned = topology.cpus().iter().map(|_| AtomicU64::new(0)).collect();
        let one_node = (1..topology.cpus().len()).all(|index| topology.node(index) == topology.node(0));
        Placement { topology, pin: AtomicU8::new(pin as u8), pinned, one_node }
    }

    pub(super) fn set_pin(&self, pin: Pin) {
        self.pin.store(pin as u8, Ordering::Relaxed);
    }

    fn home(&self, worker: usize) -> usize {
        worker % self.pinned.len().max(1)
    }

    /// Whether all CPUs belong to one NUMA node.
    pub(super) fn has_one_node(&self) -> bool {
        self.one_node
    }

    /// The NUMA node of the CPU that `worker` belongs to.
    pub(super) fn node(&self, worker: usize) -> usize {
        self.topology.node(self.home(worker))
    }

    /// How many workers are pinned now.
    pub(super) fn pinned(&self) -> usize {
        self.pinned.iter().map(|mask| mask.load(Ordering::Relaxed).count_ones() as usize).sum()
    }

    /// Pins the calling worker if that is wanted and possible.
    pub(super) fn settle(&self, worker: usize) -> Seat {
        let wanted = self.pin.load(Ordering::Relaxed);
        let home = self.home(worker);
        let cpu = self.topology.cpus().get(home).copied();
        let pinned = wanted != Pin::Never as u8 && cpu.is_some_and(pin_current_thread);
        if pinned {
            self.pinned[home].fetch_or(1 << worker, Ordering::Relaxed);
        }
        Seat { worker, judged: pinned && wanted == Pin::Auto as u8, wakes: 0, late: 0 }
    }

    /// The worker leaves, or is not pinned any more.
    pub(super) fn forget(&self, worker: usize) {
        if let Some(mask) = self.pinned.get(self.home(worker)) {
            mask.fetch_and(!(1 << worker), Ordering::Relaxed);
        }
    }

    /// Picks one of the sleepers: one whose CPU has only sleepers and is not the caller's, else one that is not pinned,
    /// else one of another CPU than the caller's, else any.
    pub(super) fn choose(&self, sleepers: u64) -> usize {
        let here = current_cpu();
        let (mut elsewhere, mut free) = (0, sleepers);
        for (&cpu, mask) in self.topology.cpus().iter().zip(&self.pinned) {
            let mask = mask.load(Ordering::Relaxed);
            free &= !mask;
            if Some(cpu) != here && mask & sleepers != 0 {
                if mask & !sleepers == 0 {
                    return mask.trailing_zeros() as usize;
                }
                elsewhere |= mask & sleepers;
            }
        }
        let picked = [free, elsewhere, sleepers].into_iter().find(|set| *set != 0).unwrap_or(sleepers);
        picked.trailing_zeros() as usize
    }
}

/// One worker's view, kept by itself: how its wake-ups went.
pub(super) struct Seat {
    worker: usize,
    judged: bool,
    wakes: u32,
    late: u32,
}

impl Seat {
    /// Whether wake-ups are to be timed.
    pub(super) fn is_judged(&self) -> bool {
        self.judged
    }

    /// The worker ran again `nanos` after it was woken. After too many late wake-ups it un-pins itself: the pin made it wait
    /// for a CPU that was busy, or that had to be roused, where the kernel might have found a better one.
    pub(super) fn woken(&mut self, placement: &Placement, nanos: u64) {
        self.wakes += 1;
        self.late += u32::from(u128::from(nanos) > LATE.as_nanos());
        if self.late > LATE_WAKES_MAX && unpin_current_thread(placement.topology.cpus()) {
            placement.forget(self.worker);
            self.judged = false;
        }
        if self.wakes >= JUDGED_WAKES {
            (self.wakes, self.late) = (0, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four workers on two CPUs that do not exist, so that the caller is on neither: 0 and 2, 1 and 3.
    fn four_on_two() -> Placement {
        let placement = Placement::new(Topology::described(vec![1000, 1001], None), Pin::Auto);
        placement.pinned[0].store(0b0101, Ordering::Relaxed);
        placement.pinned[1].store(0b1010, Ordering::Relaxed);
        placement
    }

    #[test]
    fn wp06_the_sleeper_whose_cpu_is_idle_is_woken() {
        let placement = four_on_two();
        assert_eq!(placement.choose(0b1011), 1, "worker 2 runs on CPU 0, so CPU 1 is the idle one");
        assert_eq!(placement.choose(0b1101), 0);
        assert_eq!(placement.choose(0b1000), 3, "no CPU is idle: any sleeper");
        placement.forget(2);
        assert_eq!(placement.choose(0b0100), 2, "a worker that is not pinned finds its own CPU");
    }

    #[test]
    fn a_worker_lets_go_of_its_cpu_only_after_many_late_wakes_in_a_row() {
        let cpus = Topology::read().cpus().to_vec();
        let placement = four_on_two();
        let real = Placement { topology: Topology::described(cpus, None), ..placement };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let (late, prompt) = (LATE.as_nanos() as u64 + 1, LATE.as_nanos() as u64);
                let mut seat = Seat { worker: 0, judged: true, wakes: 0, late: 0 };
                (0..1000).for_each(|i| seat.woken(&real, if i % 8 == 0 { late } else { prompt }));
                assert!(seat.is_judged(), "one in eight may be late");
                (0..JUDGED_WAKES).for_each(|_| seat.woken(&real, late));
                assert_eq!(seat.is_judged(), !cfg!(target_os = "linux"));
            });
        });
    }
}
