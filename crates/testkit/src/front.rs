//! Proxies in front of a server.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A proxy in front of the server at `url` that answers one request per connection, keeps the
/// connection, and closes it as the next request arrives; returns its own URL.
pub async fn front_ending_kept_connections(url: &str) -> String {
    let (address, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let front = format!("http://{}/{path}", listener.local_addr().unwrap());
    let address = address.to_owned();
    tokio::spawn(async move {
        loop {
            let (caller, _) = listener.accept().await.unwrap();
            let server = TcpStream::connect(&address).await.unwrap();
            tokio::spawn(pass_one_exchange(caller, server));
        }
    });
    front
}

async fn pass_one_exchange(mut caller: TcpStream, mut server: TcpStream) {
    let (mut asked, mut answered) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
    let mut is_answered = false;
    loop {
        tokio::select! {
            count = caller.read(&mut asked) => match count.unwrap() {
                0 => return,
                _ if is_answered => return,
                count => server.write_all(&asked[..count]).await.unwrap(),
            },
            count = server.read(&mut answered) => {
                is_answered = true;
                caller.write_all(&answered[..count.unwrap()]).await.unwrap();
            }
        }
    }
}
