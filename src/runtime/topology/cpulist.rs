//! The kernel's list format for CPUs, `0-3,8,10-11`, as numbers.

/// The CPUs of a list, ascending; `None` if it is not one. A list is bounded to 4,096 CPUs, whatever it says.
pub(super) fn parse(list: &str) -> Option<Vec<usize>> {
    let mut cpus = Vec::new();
    for part in list.trim().split(',').filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (first.trim().parse::<usize>().ok()?, last.trim().parse::<usize>().ok()?);
        if last < first || last >= 4096 {
            return None;
        }
        cpus.extend(first..=last);
    }
    cpus.sort_unstable();
    cpus.dedup();
    Some(cpus)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn ranges_single_cpus_and_holes() {
        assert_eq!(parse("\t0-1\n"), Some(vec![0, 1]));
        assert_eq!(parse("8,0-2,10-11"), Some(vec![0, 1, 2, 8, 10, 11]));
        assert_eq!(parse(""), Some(vec![]));
    }

    #[test]
    fn what_is_no_list_is_refused() {
        assert!(["a", "3-1", "0-99999999", "1-"].iter().all(|text| parse(text).is_none()));
    }
}
