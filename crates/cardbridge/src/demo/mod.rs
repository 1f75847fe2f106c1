//! `cardbridge demo`: the newcomer's run. The whole platform on a fresh store, an enterprise and a
//! shopper, every step over real HTTP or a card network's link, and every outcome checked.

mod app;
mod applicants;
mod bill;
mod calls;
mod card;
mod challenge;
mod credit_line;
mod handover;
mod link;
mod plastic;
mod prepaid;
mod purchase;
mod screen;
mod setting;

use std::path::Path;
use std::time::Duration;

use crate::serve::Stops;
use app::App;
use platform::Failure;
use platform::Platform;
use platform::config::{Config, Flags, Layers};
use screen::Screen;
use setting::Scene;

/// Filter of the log on stderr: the steps on stdout are what should be read.
pub const LOG_FILTER: &str = "error";
/// Longest run (operator-and-sandbox.md section 1).
const DEADLINE: Duration = Duration::from_secs(45);

/// Runs the demonstration; with `keep`, leaves the platform running until Ctrl-C.
///
/// # Errors
/// A step had the wrong outcome.
pub async fn run(keep: bool) -> Result<(), Failure> {
    let mut stops = Stops::new()?;
    let directory = tempfile::Builder::new()
        .prefix("cardbridge-demo-")
        .tempdir()
        .map_err(|error| Failure::run(format_args!("no temporary directory: {error}")))?;
    let mut screen = Screen::new();
    screen.headline("CardBridge: one card's life, on a fresh store");
    let platform = Platform::start(config(directory.path())?).await?;
    screen.step("platform started", &platform.addresses().public_url);
    let played = tokio::select! {
        played = tokio::time::timeout(DEADLINE, play(&mut screen, &platform)) => played,
        () = stops.received() => return Err(Failure::run("interrupted")),
    };
    // The servers live as long as this, so `--keep` is complete.
    let _cast = played.map_err(|_| Failure::run("the demonstration took longer than 45 s"))??;
    if keep {
        keep_running(&screen, &platform, directory.path());
        stops.received().await;
    }
    platform.stop().await;
    Ok(())
}

/// All steps in order.
async fn play(screen: &mut Screen, platform: &Platform) -> Result<(Scene, App), Failure> {
    let mut scene = setting::set(screen, platform).await?;
    card::order(screen, &mut scene).await?;
    let bought = purchase::approved(screen, &scene).await?;
    purchase::declined(screen, &scene).await?;
    purchase::late(screen, &scene).await?;
    card::freeze(screen, &scene).await?;
    purchase::frozen(screen, &scene).await?;
    card::unfreeze(screen, &scene).await?;
    purchase::clear(screen, &scene, &bought).await?;
    card::terminate(screen, &scene).await?;
    applicants::known_customer(screen, &mut scene).await?;
    applicants::evidence(screen, &scene).await?;
    challenge::approved(screen, &scene).await?;
    bill::run(screen, &scene).await?;
    link::messages(screen, &scene).await?;
    plastic::twin(screen, &mut scene).await?;
    plastic::pin(screen, &scene).await?;
    plastic::replacement(screen, &mut scene).await?;
    handover::page(screen, &scene).await?;
    handover::keys(screen, &scene).await?;
    handover::files(screen, &scene).await?;
    let app = dialect_2(screen, &scene).await?;
    setting::verify(screen, &scene).await?;
    Ok((scene, app))
}

/// The same platform through its other dialect: an app's cards that hold money or draw on a wallet.
async fn dialect_2(screen: &mut Screen, scene: &Scene) -> Result<App, Failure> {
    let app = app::open(screen, scene).await?;
    prepaid::life(screen, scene, &app).await?;
    let card_id = credit_line::limit(screen, scene, &app).await?;
    credit_line::challenge(screen, scene, &app, &card_id).await?;
    credit_line::acknowledged(screen, scene, &app).await?;
    Ok(app)
}

fn config(directory: &Path) -> Result<Config, Failure> {
    let flags: Flags = [
        ("data-dir", directory.display().to_string()),
        ("listen", "127.0.0.1:0".to_owned()),
        ("admin-listen", "127.0.0.1:0".to_owned()),
        ("iso-listen", "127.0.0.1:0".to_owned()),
    ]
    .into();
    Config::load(&Layers::new(flags, Default::default())?)
}

fn keep_running(screen: &Screen, platform: &Platform, directory: &Path) {
    let addresses = platform.addresses();
    screen.note("the platform keeps running; Ctrl-C ends it");
    screen.note(&format!("public     {}", addresses.public_url));
    screen.note(&format!("admin      {}", addresses.admin_url));
    for (name, address) in &addresses.links {
        screen.note(&format!("link       {address} ({name}, ISO 8583)"));
    }
    screen.note(&format!("keys       {}", directory.join(platform::sandbox::FILE_NAME).display()));
}
