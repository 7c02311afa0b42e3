//! What systemd hears: READY=1 when requests are answered, STOPPING=1 when they no longer will be.

use std::os::unix::net::UnixDatagram;

use crate::process::{PATIENCE, Server, hangar, serve_dev};

#[test]
fn the_supervisor_hears_when_it_is_ready_and_when_it_stops() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let heard = || {
        let mut bytes = [0; 256];
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    let mut command = hangar();
    command.args(serve_dev(&directory.path().join("data")));
    let server = Server::start(command.env("NOTIFY_SOCKET", &path));
    assert_eq!(heard(), "READY=1\n");
    assert_eq!(server.stop().code, Some(0));
    assert_eq!(heard(), "STOPPING=1\n");
}

#[test]
fn a_supervisor_that_is_gone_stops_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = hangar();
    command.args(serve_dev(&directory.path().join("data")));
    command.env("NOTIFY_SOCKET", directory.path().join("nobody"));
    let ended = Server::start(&mut command).stop();
    assert_eq!(ended.code, Some(0));
    let said = ended.stdout + &ended.stderr;
    assert!(said.contains("the supervisor can't be told"), "{said}");
}
