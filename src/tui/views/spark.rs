//! Samples as a row of small bars.

use crate::tui::model::Model;
use crate::tui::text::fit_right;

/// The cells of a row.
const CELLS: usize = 10;

/// The newest samples, so many a bar, which is as high as the highest of them; one as high as the highest of all, and as
/// `full`, is full.
pub(super) fn spark(model: &Model, samples: impl Iterator<Item = f32>, full: f32, each: usize) -> String {
    let samples: Vec<f32> = samples.collect();
    let most = samples.iter().copied().fold(full, f32::max);
    let bars = model.theme.glyphs.bars();
    let heights: Vec<f32> = samples.rchunks(each).map(|chunk| chunk.iter().copied().fold(0.0, f32::max)).collect();
    let shown = heights.iter().take(CELLS).rev();
    let text: String = shown.map(|value| bars[((value / most * 7.0).round() as usize).min(7)]).collect();
    fit_right(&text, CELLS)
}
