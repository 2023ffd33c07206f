//! Figures of a tab over time: one for each five seconds, of the newest five minutes.

/// Figures that are kept; the oldest go.
pub const FIGURES_MAX: usize = 60;
/// The time that a figure stands for.
const EACH_MS: u64 = 5_000;

/// The newest figures, one for each five seconds. It takes the same memory however much is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curve {
    figures: [f32; FIGURES_MAX],
    len: usize,
    /// Which five seconds the newest figure is of, counted since 1970.
    newest: u64,
}

impl Default for Curve {
    fn default() -> Curve {
        Curve { figures: [0.0; FIGURES_MAX], len: 0, newest: 0 }
    }
}

impl Curve {
    /// The figures, oldest first.
    pub fn figures(&self) -> &[f32] {
        &self.figures[FIGURES_MAX - self.len..]
    }

    /// The newest figure.
    pub fn last(&self) -> Option<f32> {
        self.figures().last().copied()
    }

    /// What was measured at that time; until something else is measured, it stays so.
    pub(super) fn measured(&mut self, time_ms: u64, figure: f32) {
        self.go_on(time_ms, self.last().unwrap_or(figure));
        if let Some(place) = self.place(time_ms) {
            *place = figure;
        }
    }

    /// Adds to what was at that time.
    pub(super) fn add(&mut self, time_ms: u64, figure: f32) {
        self.go_on(time_ms, 0.0);
        if let Some(place) = self.place(time_ms) {
            *place += figure;
        }
    }

    /// The page was alive at that time: the curve reaches there, with `filler` where nothing was told.
    pub(super) fn go_on(&mut self, time_ms: u64, filler: f32) {
        let at = time_ms / EACH_MS;
        if self.len == 0 {
            (self.newest, self.len) = (at, 1);
            self.figures[FIGURES_MAX - 1] = filler;
        }
        let by = usize::try_from(at.saturating_sub(self.newest)).unwrap_or(FIGURES_MAX).min(FIGURES_MAX);
        self.figures.copy_within(by.., 0);
        self.figures[FIGURES_MAX - by..].fill(filler);
        self.len = (self.len + by).min(FIGURES_MAX);
        self.newest = self.newest.max(at);
    }

    /// Where the figure of that time is, if it is one of those that are kept.
    fn place(&mut self, time_ms: u64) -> Option<&mut f32> {
        let ago = usize::try_from(self.newest.checked_sub(time_ms / EACH_MS)?).ok()?;
        (ago < self.len).then(|| &mut self.figures[FIGURES_MAX - 1 - ago])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_measured_stays_until_something_else_is() {
        let mut curve = Curve::default();
        assert_eq!((curve.figures(), curve.last()), (&[][..], None));
        curve.measured(10_000, 4.0);
        curve.measured(14_999, 5.0);
        curve.measured(25_000, 7.0);
        curve.go_on(30_000, 7.0);
        assert_eq!(curve.figures(), [5.0, 5.0, 5.0, 7.0, 7.0]);
        curve.measured(16_000, 6.0);
        assert_eq!(curve.figures(), [5.0, 6.0, 5.0, 7.0, 7.0], "what comes late stands where it belongs");
        curve.measured(1_000, 9.0);
        assert_eq!(curve.figures().len(), 5, "what was before the first is left out");
    }

    #[test]
    fn what_is_added_is_a_sum_and_quiet_times_are_none() {
        let mut curve = Curve::default();
        curve.add(5_000, 80.0);
        curve.add(6_000, 20.0);
        curve.add(17_000, 60.0);
        assert_eq!(curve.figures(), [100.0, 0.0, 60.0]);
    }

    #[test]
    fn the_newest_are_kept_however_far_a_time_is() {
        let mut curve = Curve::default();
        (0..200).for_each(|at| curve.measured(at * 5_000, at as f32));
        assert_eq!((curve.figures().len(), curve.figures()[0], curve.last()), (FIGURES_MAX, 140.0, Some(199.0)));
        curve.add(u64::MAX, 1.0);
        assert_eq!((curve.figures()[0], curve.last()), (0.0, Some(1.0)));
        curve.add(0, 5.0);
        assert_eq!(curve.figures().iter().sum::<f32>(), 1.0);
    }
}
