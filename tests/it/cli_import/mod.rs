//! `hangar import` and `hangar export`: the real binary, a real server, and servers that misbehave.

mod bad_files;
mod export;
mod interrupted;
mod odd_servers;
mod outcomes;
mod progress;
mod proxy;
mod secure;
mod stage;
