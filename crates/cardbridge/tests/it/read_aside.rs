//! What may be read beside the server that takes writes, and what may not.

use serde_json::Value;

use crate::engine::Engine;
use crate::world::{World, purchase, text};

async fn listed(world: &World) -> usize {
    let list = world.operator.get("/admin/v1/authorisations").await.unwrap();
    list["items"].as_array().unwrap().len()
}

async fn verified(world: &World) -> Value {
    world.operator.get("/admin/v1/ledger/verify").await.unwrap()
}

/// A purchase; returns the path of its receipt.
async fn bought(world: &World) -> String {
    let card_id = world.card("ord-1").await;
    let body = purchase(&card_id, "10.00");
    let bought = world.operator.post("/sandbox/v1/authorisations", &body).await.unwrap();
    assert_eq!(bought["approved"], true, "{bought}");
    format!("/admin/v1/authorisations/{}", text(&bought, "authId"))
}

/// The other server is another database here, so that what is read there shows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_and_the_verification_are_read_aside_and_nothing_else() {
    let (engine, other) = (Engine::postgres().await, Engine::postgres().await);
    let aside = other.options()[1].to_owned();
    let world = World::new(&engine, &["--read-database-url", &aside]).await;
    let receipt = bought(&world).await;
    assert_eq!(listed(&world).await, 0);
    assert_eq!(verified(&world).await["accounts"], 0);
    assert_eq!(world.operator.get(&receipt).await.unwrap()["approved"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_away_is_done_without() {
    let engine = Engine::postgres().await;
    // The port is bound and nobody listens.
    let refusing = tokio::net::TcpSocket::new_v4().unwrap();
    refusing.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let aside = format!("postgres://nobody@{}/none", refusing.local_addr().unwrap());
    let world = World::new(&engine, &["--read-database-url", &aside]).await;
    bought(&world).await;
    assert_eq!(listed(&world).await, 1);
    world.verify_ledger().await;
    assert!(verified(&world).await["accounts"].as_u64().unwrap() > 0);
}
