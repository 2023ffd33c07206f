//! Lines for the client at the other end of standard output: written at once where that needs no waiting, else by a thread that may wait.

use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pipe::PIPE_BUF;

/// The end for the server's thread, which must not wait.
///
/// As long as there is room it writes by itself: one thread less has to be woken on the way of each answer. A pipe or socket that says
/// that it can be written to takes `PIPE_BUF` bytes without making anybody wait. What finds no room, and all that comes after it, is
/// the other thread's, until that has written everything.
pub(super) struct Lines {
    queue: Sender<Vec<u8>>,
    queued: Arc<AtomicUsize>,
    output: Option<OwnedFd>,
}

/// The end for the thread that may wait.
pub(super) struct Rest<O> {
    queue: Receiver<Vec<u8>>,
    queued: Arc<AtomicUsize>,
    output: O,
}

/// Both ends for this output, into which nobody else writes.
pub(super) fn lines<O: Write + AsFd>(output: O) -> (Lines, Rest<O>) {
    let (sender, receiver) = channel();
    let queued = Arc::new(AtomicUsize::new(0));
    // Without a descriptor of its own everything is left to the other thread.
    let own = output.as_fd().try_clone_to_owned().ok();
    (Lines { queue: sender, queued: Arc::clone(&queued), output: own }, Rest { queue: receiver, queued, output })
}

impl Lines {
    /// Says a line; `false` when there is nobody left to say it to.
    pub(super) fn say(&self, mut line: Vec<u8>) -> bool {
        // Acquire: pairs with the thread's Release, after which what it wrote is out.
        if self.queued.load(Ordering::Acquire) == 0
            && let Some(output) = &self.output
        {
            match write_now(output, &line) {
                Ok(written) if written == line.len() => return true,
                Ok(written) => drop(line.drain(..written)),
                Err(_) => return false,
            }
        }
        self.queued.fetch_add(1, Ordering::Relaxed);
        self.queue.send(line).is_ok()
    }
}

impl<O: Write> Rest<O> {
    /// Writes until the server has ended, or the client has gone.
    pub(super) fn run(mut self) {
        while let Ok(line) = self.queue.recv() {
            // A client that reads no more has gone; standard input ends as well then.
            if self.output.write_all(&line).and_then(|()| self.output.flush()).is_err() {
                return;
            }
            self.queued.fetch_sub(1, Ordering::Release);
        }
    }
}

/// Writes what finds room; how much that was.
fn write_now(output: &OwnedFd, line: &[u8]) -> io::Result<usize> {
    let mut written = 0;
    while written < line.len() {
        let mut asked = [PollFd::new(output, PollFlags::OUT)];
        let ready = poll(&mut asked, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|count| count > 0);
        if !ready {
            break;
        }
        let end = line.len().min(written + PIPE_BUF);
        match rustix::io::write(output, &line[written..end]) {
            Ok(count) => written += count,
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, pipe};

    #[test]
    fn lines_come_whole_and_in_order_whether_or_not_there_is_room() {
        let (reader, writer) = pipe().unwrap();
        let (lines, rest) = lines(writer);
        let thread = std::thread::spawn(move || rest.run());
        let line = |number: usize| format!("{number} {}\n", "x".repeat(number * 37 % 9000));
        let said: Vec<String> = (0..500).map(line).collect();
        // More than any pipe holds: the first of them are written at once, the others when there is room.
        let (first, then) = said.split_at(200);
        assert!(first.iter().all(|line| lines.say(line.clone().into_bytes())));
        assert!(lines.queued.load(Ordering::Acquire) > 0, "nobody reads yet");
        let read = std::thread::spawn(move || BufReader::new(reader).lines().map(Result::unwrap).collect::<Vec<_>>());
        assert!(then.iter().all(|line| lines.say(line.clone().into_bytes())));
        drop(lines);
        thread.join().unwrap();
        let read = read.join().unwrap();
        assert!(read.iter().eq(said.iter().map(|line| line.trim_end_matches('\n'))), "{} lines", read.len());
    }

    #[test]
    fn a_reader_that_has_gone_is_noticed() {
        let (reader, writer) = pipe().unwrap();
        let (lines, rest) = lines(writer);
        drop(reader);
        assert!(!lines.say(b"a\n".to_vec()));
        drop(lines);
        rest.run();
    }
}
