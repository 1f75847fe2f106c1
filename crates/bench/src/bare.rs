//! A bare axum handler in its own process: the baseline for signed GETs.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use anyhow::Result;
use axum::Router;
use axum::http::header;
use axum::routing::get;
use bytes::Bytes;
use tokio::net::TcpListener;

use crate::process::{Process, first_line};

/// The child's side: serves what its standard input holds, until it is killed.
pub async fn serve() -> Result<()> {
    let mut body = Vec::new();
    std::io::stdin().lock().read_to_end(&mut body)?;
    let body = Bytes::from(body);
    let handler = move || {
        let body = body.clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], body) }
    };
    let routes = Router::new().route(wire::cardbridge::card::DETAIL_PATH, get(handler));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    axum::serve(listener, routes).await?;
    Ok(())
}

/// The parent's handle on the process. The process is killed when this is dropped.
pub struct BareProcess {
    _process: Process,
    /// The address at which it listens.
    pub address: SocketAddr,
}

impl BareProcess {
    /// Starts a handler that answers `body`.
    pub fn start(body: &[u8]) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("bare").stdin(Stdio::piped());
        let (mut process, mut stdout) = Process::start(&mut command)?;
        process.stdin()?.write_all(body)?;
        let address = first_line(&mut stdout)?.trim().parse()?;
        Ok(Self { _process: process, address })
    }
}
