//! Databases on a server for tests, and a terminal on one.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Instant,
};

use uuid::Uuid;

use super::{PATIENCE, PORT, ask, pause, program, psql, server};
use crate::store::{self, Database, DatabaseKind, Opening};

/// A database of one test's own, dropped with this.
pub struct Scratch {
    server: PathBuf,
    name: String,
}

impl Scratch {
    /// Makes a database with the newest schema on the server that tests share.
    pub fn new(kind: DatabaseKind) -> Self {
        Self::on(server(), kind)
    }

    /// Makes a database with the newest schema on this server.
    pub fn on(server: &Path, kind: DatabaseKind) -> Self {
        let template = template(server, kind);
        let scratch = Self::empty_name(server);
        let sql = format!("CREATE DATABASE {} TEMPLATE {template}", scratch.name);
        ask(server, PORT, "postgres", &sql);
        scratch
    }

    /// Makes a database without anything on the server that tests share.
    pub fn empty() -> Self {
        let scratch = Self::empty_name(server());
        let sql = format!("CREATE DATABASE {}", scratch.name);
        ask(&scratch.server, PORT, "postgres", &sql);
        scratch
    }

    fn empty_name(server: &Path) -> Self {
        Self {
            server: server.to_owned(),
            name: format!("t{}", Uuid::new_v4().simple()),
        }
    }

    /// The database of this name on this server, which must be there.
    pub fn of(server: &Path, name: &str) -> Self {
        Self {
            server: server.to_owned(),
            name: name.to_owned(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address of the database.
    pub fn url(&self) -> String {
        url(&self.server, &self.name)
    }

    /// Runs a statement in the database and answers what it says.
    pub fn ask(&self, sql: &str) -> String {
        ask(&self.server, PORT, &self.name, sql)
    }

    /// Runs a statement in another database of its server and answers what it says.
    pub fn ask_server(&self, sql: &str) -> String {
        ask(&self.server, PORT, "postgres", sql)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let _ = psql(&self.server, "postgres", &sql).output();
    }
}

/// The address of a database on the server whose socket is in this directory.
fn url(server: &Path, name: &str) -> String {
    let host = server.display().to_string().replace('/', "%2F");
    format!("postgres://hangar@{host}/{name}")
}

/// A database with the newest schema, which others are copied from. One makes it; the others wait.
#[expect(
    clippy::expect_used,
    reason = "a test can't go on without its database"
)]
fn template(server: &Path, kind: DatabaseKind) -> &'static str {
    let (name, unfinished) = match kind {
        DatabaseKind::Production => ("of_production", "new_production"),
        DatabaseKind::Development => ("of_development", "new_development"),
        DatabaseKind::Rehearsal => ("of_rehearsal", "new_rehearsal"),
    };
    let exists = format!("select 1 from pg_database where datname = '{name}'");
    let began = Instant::now();
    while ask(server, PORT, "postgres", &exists).is_empty() {
        assert!(began.elapsed() < PATIENCE, "nobody makes the template");
        let create = format!("CREATE DATABASE {unfinished}");
        let created = psql(server, "postgres", &create).output();
        if created.is_ok_and(|output| output.status.success()) {
            let database = Database::at(url(server, unfinished));
            drop(store::open(database, Opening::Serve(kind)).expect("the schema is made"));
            let rename = format!("ALTER DATABASE {unfinished} RENAME TO {name}");
            while !psql(server, "postgres", &rename)
                .output()
                .is_ok_and(|output| output.status.success())
            {
                assert!(began.elapsed() < PATIENCE, "somebody stays on the template");
                // Whoever looked just before another had finished has made a second one.
                if !ask(server, PORT, "postgres", &exists).is_empty() {
                    ask(
                        server,
                        PORT,
                        "postgres",
                        &format!("DROP DATABASE {unfinished}"),
                    );
                    break;
                }
                pause();
            }
        } else {
            pause();
        }
    }
    name
}

/// The address of a database that belongs to a directory: the same each time, made at the first.
pub fn database_of(server: &Path, directory: &Path) -> String {
    let mut hasher = DefaultHasher::new();
    directory.hash(&mut hasher);
    let name = format!("d{:016x}", hasher.finish());
    let exists = format!("select 1 from pg_database where datname = '{name}'");
    if ask(server, PORT, "postgres", &exists).is_empty() {
        let create = format!("CREATE DATABASE {name}");
        ask(server, PORT, "postgres", &create);
    }
    url(server, &name)
}

/// A psql that stays on a database, for those who ask often.
pub struct Terminal {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Terminal {
    /// Opens one on this database.
    ///
    /// # Panics
    /// Where psql is not installed.
    #[expect(clippy::expect_used, reason = "a test can't go on otherwise")]
    pub fn on(scratch: &Scratch) -> Self {
        let mut process = Command::new(program("psql"))
            .args(["-X", "-q", "-t", "-A", "-U", "hangar", "-h"])
            .arg(&scratch.server)
            .args(["-d", &scratch.name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("psql starts");
        let questions = process.stdin.take().expect("it listens");
        let answers = BufReader::new(process.stdout.take().expect("it speaks"));
        Self {
            process,
            questions,
            answers,
        }
    }

    /// Runs a statement, which may not fail, and answers its lines.
    ///
    /// # Panics
    /// Where psql has ended.
    #[expect(clippy::expect_used, reason = "a test can't go on otherwise")]
    pub fn ask(&mut self, sql: &str) -> Vec<String> {
        const END: &str = "-- that was all --";
        writeln!(self.questions, "{sql};\n\\echo {END}").expect("it listens");
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            let read = self.answers.read_line(&mut line).expect("it speaks");
            assert!(read > 0, "psql has ended");
            if line.trim_end() == END {
                return lines;
            }
            lines.push(line);
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
