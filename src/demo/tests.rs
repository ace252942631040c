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

#[test]
fn phases() {
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    let address = address(folder.path());
    let clock = Arc::new(Fixed::at(System.now()));
    let t = Instant::now();
    migrate::migrate(&address).unwrap();
    println!("migrate {:?}", t.elapsed());
    let t = Instant::now();
    let clocks = Clocks { business: clock.clone(), wall: clock.clone() };
    let db = Database::open_scratch(&address, clocks, ZONE).unwrap();
    println!("open {:?}", t.elapsed());
    let t = Instant::now();
    let staff = company::staff().unwrap();
    println!("staff {:?}", t.elapsed());
    let t = Instant::now();
    let state = company::target(&staff, System.now());
    let target = Arc::new(DemoTarget::in_memory(state, clock.clone()));
    history::write(&db, &clock, &target, &staff, System.now()).unwrap();
    println!("history {:?}", t.elapsed());
    println!("reads {}", db.statements_read());
}
