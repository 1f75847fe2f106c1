//! What links leave behind: no PAN, track, PIN block, verification value or key, anywhere
//! (network-iso8583.md section 11).

use crypto::PinBlockFormat;
use iso8583::Message;

use crate::engine::Engine;
use crate::iso_peer::{accepted, management, message};
use crate::link_advices::advice;
use crate::link_reversals::{notices, on_both_engines, reversal};
use crate::link_security::{
    Files, IMK, NEW_ZPK, OTHER_ZPK, PIN, SEALED_ZAK, SEALED_ZPK, VERSION_10, ZAK, ZMK_COMPONENTS,
    ZPK, chip_key, chipped, key, link, new_key, receipts, set_pin, with_pin,
};
use crate::links::{Bed, is, metrics};
use crate::secrets::{Secret, search, stop};

/// A PAN that is not one of ours.
const STRANGER: &str = "4000990012345678";
/// Questions and reports that the enterprise gets at least.
const TOLD: usize = 7;

/// Advices, a single message and reversals: before their originals, of what is posted, and about a
/// card that is not one of ours.
fn facts(bed: &Bed, track: &str) -> Vec<Message> {
    let mut single = bed.changed(9, &[(35, track)]);
    single.set_mti(message("0200", &[]).mti());
    let named = "020000000911291200010000041234500000000000";
    vec![
        advice(bed, "0120", 7, 100, &[(35, track)]),
        advice(bed, "0220", 8, 100, &[(35, track)]),
        single,
        reversal(bed, "0400", 20, 7, &[]),
        reversal(bed, "0420", 21, 9, &[(90, named)]),
        reversal(bed, "0420", 22, 999, &[]),
        reversal(bed, "0420", 23, 999, &[(2, STRANGER)]),
    ]
}

/// The messages of links, as the operator sees them.
async fn messages(bed: &Bed) -> String {
    bed.world.operator.get("/admin/v1/network-messages?limit=100").await.unwrap().to_string()
}

async fn no_key_or_card_data_is_left_anywhere(engine: Engine) {
    let files = Files::new();
    let keys = files.keys(&format!("{SEALED_ZPK}\n{SEALED_ZAK}"));
    let imk = files.private("imk.hex", IMK);
    let emv = format!("[[links.emv]]\npan-prefix = '4'\nimk-file = '{}'\n", imk.display());
    let keys = format!("{keys}{emv}");
    let file = files.configuration(&link(
        "default",
        "mac = 'verify'\ncvv2 = { field = 48, tag = '92' }",
        &keys,
    ));
    let options = ["--config", file.to_str().unwrap(), "--log", "trace"];
    let mut bed = Bed::new(&engine, &options).await;
    set_pin(&mut bed).await;
    let mut peer = bed.signed_on().await;
    peer.zak = key(ZAK);
    let mut secrets = vec![Secret::new("PAN", bed.pan.clone())];
    for (name, key) in [("ZPK", ZPK), ("ZAK", ZAK), ("component", ZMK_COMPONENTS[0])] {
        secrets.push(Secret::new(name, hex::decode(key).unwrap()));
    }
    let track = format!("{}={}2010000000000", bed.pan, bed.expiry);
    secrets.push(Secret::new("track 2", track.clone()));
    let values = [("201", "cvv"), ("000", "cvv2")].map(|(code, name)| (bed.cvv(code), name));
    let swiped = format!("{}={}20100000{}", bed.pan, bed.expiry, values[0].0);
    let read = bed.changed(5, &[(35, &swiped), (22, "901"), (48, &format!("9203{}", values[1].0))]);
    assert_eq!(peer.outcome(&read).await, is("0110", "00"));
    secrets.push(Secret::new("track 2 with its CVV", swiped));
    for (value, name) in values {
        for form in
            [format!("{name}\":\"{value}"), format!("{name}: {value}"), format!("{name}={value}")]
        {
            secrets.push(Secret::new(name, form));
        }
    }
    for (stan, zpk, pin) in [(1, ZPK, PIN), (2, ZPK, "0000"), (3, OTHER_ZPK, PIN)] {
        let mut message = with_pin(&bed, stan, zpk, PinBlockFormat::Iso0, pin);
        message.set(35, track.as_bytes()).unwrap();
        secrets.push(Secret::new("PIN block", message.get(52).unwrap()));
        peer.ask(&message).await;
    }
    secrets.push(Secret::new("PAN in a tag", hex::decode(&bed.pan).unwrap()));
    secrets.push(Secret::new("IMK", hex::decode(IMK).unwrap()));
    secrets.push(Secret::new("card's key", *chip_key(&bed).as_bytes()));
    assert_eq!(peer.outcome(&chipped(&bed, 6, VERSION_10).0).await, is("0110", "00"));
    secrets.push(Secret::new("new ZPK", hex::decode(OTHER_ZPK).unwrap()));
    secrets.push(Secret::new("new ZPK under the ZMK", NEW_ZPK));
    assert_eq!(peer.outcome(&new_key(NEW_ZPK)).await, accepted());
    peer.zak = key(ZPK);
    peer.send(&bed.purchase(4)).await;
    peer.zak = key(ZAK);
    peer.ask(&management("301")).await;
    secrets.push(Secret::new("unknown PAN", STRANGER));
    for fact in facts(&bed, &track) {
        assert_eq!(peer.ask(&fact).await.text(39), Some("00"), "{}", fact.mti());
    }
    assert_eq!(peer.outcome(&advice(&bed, "0120", 11, 100, &[(2, STRANGER)])).await.1, "14");
    notices(&bed, TOLD).await;
    let shown = [
        ("receipts", receipts(&bed).await),
        ("metrics", metrics(&bed.world).await),
        ("the link", bed.link("default").await.to_string()),
        ("its messages", messages(&bed).await),
    ];
    assert!(shown[0].1.contains("pin_block_unreadable"));
    stop(&mut bed.world).await;
    let mut shown = shown.map(|(place, text)| (place.to_owned(), text.into_bytes())).to_vec();
    shown.extend(engine.rows().await);
    search(&bed.world, &secrets, shown);
}

on_both_engines! {
    no_key_or_card_data_is_left_anywhere: nothing_is_left_on_sqlite, nothing_is_left_on_postgresql;
}
