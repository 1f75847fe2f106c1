//! A real SMTP server in the test's process.

use std::io;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use mailin_embedded::response::OK;
use mailin_embedded::{Handler, Response, Server};

/// A running server; its thread ends with the test's process.
pub struct MailServer {
    pub port: u16,
    taken: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone)]
struct Session {
    data: Vec<u8>,
    taken: Arc<Mutex<Vec<String>>>,
}

impl Handler for Session {
    fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.data.extend_from_slice(bytes);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let message = String::from_utf8(std::mem::take(&mut self.data)).unwrap();
        self.taken.lock().unwrap().push(message);
        OK
    }
}

impl MailServer {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let taken = Arc::default();
        let mut server = Server::new(Session { data: Vec::new(), taken: Arc::clone(&taken) });
        server.with_name("mail.test").with_tcp_listener(listener);
        std::thread::spawn(move || server.serve().unwrap());
        Self { port, taken }
    }

    /// The raw messages that it took.
    pub fn messages(&self) -> Vec<String> {
        self.taken.lock().unwrap().clone()
    }
}
