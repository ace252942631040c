use std::time::Instant;

use super::*;

#[test]
fn the_history_builds_quickly() {
    let base = std::path::Path::new("/tmp");
    let folder = tempfile::tempdir_in(base).unwrap();
    let start = Instant::now();
    build(folder.path(), System.now()).unwrap();
    println!("built in {:?}", start.elapsed());
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let start = Instant::now();
    build(folder.path(), System.now()).unwrap();
    println!("built in shm in {:?}", start.elapsed());
}
