//! The CPU quota of the cgroup that this process is in (version 2, else version 1), the strictest of it and its ancestors.

use std::path::Path;

/// The quota in CPUs, seen from the file system's root `root`.
pub(super) fn quota(root: &Path) -> Option<f64> {
    let groups = std::fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    let strictest = |mount: &Path, path: &str, read: fn(&Path) -> Option<f64>| {
        let relative = Path::new(path.trim_start_matches('/'));
        relative.ancestors().filter_map(|group| read(&mount.join(group))).reduce(f64::min)
    };
    let quotas = groups.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let mount = root.join("sys/fs/cgroup");
        match controllers {
            "" => strictest(&mount, path, version_2),
            list if list.split(',').any(|one| one == "cpu") => {
                // The joint mount has the list's name; `cpu` is a link to it on most systems, but not on all.
                let name = if mount.join(list).is_dir() { list } else { "cpu" };
                strictest(&mount.join(name), path, version_1)
            }
            _ => None,
        }
    });
    quotas.reduce(f64::min)
}

fn version_2(group: &Path) -> Option<f64> {
    let text = std::fs::read_to_string(group.join("cpu.max")).ok()?;
    let (quota, period) = text.trim().split_once(' ')?;
    ratio(quota.parse().ok()?, period.parse().ok()?)
}

fn version_1(group: &Path) -> Option<f64> {
    let number = |name| std::fs::read_to_string(group.join(name)).ok()?.trim().parse::<f64>().ok();
    ratio(number("cpu.cfs_quota_us")?, number("cpu.cfs_period_us")?)
}

fn ratio(quota: f64, period: f64) -> Option<f64> {
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}

#[cfg(test)]
mod tests {
    use super::quota;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn eb12_the_strictest_quota_of_version_2_counts() {
        let root = tree(&[
            ("proc/self/cgroup", "0::/a/b\n"),
            ("sys/fs/cgroup/a/b/cpu.max", "max 100000\n"),
            ("sys/fs/cgroup/a/cpu.max", "150000 100000\n"),
            ("sys/fs/cgroup/cpu.max", "400000 100000\n"),
        ]);
        assert_eq!(quota(root.path()), Some(1.5));
    }

    #[test]
    fn eb12_version_1_is_read_from_the_controllers_mount() {
        let root = tree(&[
            ("proc/self/cgroup", "4:memory:/x\n3:cpu,cpuacct:/box\n"),
            ("sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "50000\n"),
            ("sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"),
        ]);
        assert_eq!(quota(root.path()), Some(0.5));
    }

    #[test]
    fn without_a_limit_there_is_no_quota() {
        assert_eq!(quota(tree(&[("proc/self/cgroup", "0::/\n")]).path()), None);
        assert_eq!(quota(tree(&[]).path()), None);
    }
}
