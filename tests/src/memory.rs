//! What a process has in its memory.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};

/// Everything that a process may write to: heap, stacks, data.
pub fn of_process(id: u32) -> Vec<u8> {
    let process = format!("/proc/{id}");
    let maps = std::fs::read_to_string(format!("{process}/maps")).unwrap();
    let mut file = File::open(format!("{process}/mem")).unwrap();
    let mut memory = Vec::new();
    for map in maps.lines().filter(|map| map.contains(" rw")) {
        let (start, end) = map.split_once(' ').unwrap().0.split_once('-').unwrap();
        let address = |hex: &str| u64::from_str_radix(hex, 16).unwrap();
        file.seek(SeekFrom::Start(address(start))).unwrap();
        // A thread that ended meanwhile took its stack along.
        let _ = (&mut file).take(address(end) - address(start)).read_to_end(&mut memory);
    }
    assert!(memory.len() > 1 << 20, "the memory of {process} cannot be read");
    memory
}

/// How often a secret stands there.
pub fn count(memory: &[u8], secret: &[u8]) -> usize {
    memchr::memmem::find_iter(memory, secret).count()
}
