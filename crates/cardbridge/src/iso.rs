//! `cardbridge iso describe`: shows ISO 8583 messages, masked. No server, no store.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Args, Subcommand};
use iso8583::{
    Description, Frame, Framing, FramingSettings, Layout, LayoutSettings, NumberOrText, describe,
};
use platform::Failure;
use serde::Deserialize;
use zeroize::Zeroizing;

/// Most characters of hexadecimal text that are read.
const MAX_INPUT_BYTES: u64 = 1 << 20;

/// `cardbridge iso ...`
#[derive(Debug, Subcommand)]
pub enum IsoCommand {
    /// Show the fields of a message with its card data masked; exit 1 if it cannot be decoded
    Describe(DescribeArgs),
}

/// Options of `iso describe`.
#[derive(Debug, Args)]
pub struct DescribeArgs {
    /// The message in hexadecimal [default: standard input, which no shell's history keeps]
    #[arg(value_name = "HEX")]
    message: Option<HexText>,
    /// iso87ascii, iso87binary or iso93ascii [default: iso87ascii]
    #[arg(long, value_name = "NAME", conflicts_with = "links_file")]
    packager: Option<String>,
    /// TOML file whose [[links]] say how messages are laid out
    #[arg(long, value_name = "FILE", requires = "link")]
    links_file: Option<PathBuf>,
    /// Name of the link in that file
    #[arg(long, value_name = "NAME", requires = "links_file")]
    link: Option<String>,
    /// The input is frames: their length and header, such as binary2 or ascii4,tpdu or binary2,12
    #[arg(long, value_name = "LENGTH[,HEADER]")]
    framed: Option<String>,
    /// One JSON object for each message
    #[arg(long)]
    json: bool,
}

/// A message in hexadecimal.
#[derive(Clone)]
struct HexText(Zeroizing<String>);

impl FromStr for HexText {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(Zeroizing::new(text.to_owned())))
    }
}

impl fmt::Debug for HexText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The part of a configuration file that lays out messages.
#[derive(Deserialize)]
struct LinksFile {
    #[serde(default)]
    links: Vec<Link>,
}

#[derive(Deserialize)]
struct Link {
    name: String,
    #[serde(flatten)]
    layout: LayoutSettings,
}

/// Runs a command.
///
/// # Errors
/// An option that cannot be used, or a message that cannot be decoded.
pub fn run(command: IsoCommand) -> Result<(), Failure> {
    let IsoCommand::Describe(args) = command;
    let settings = match (&args.links_file, &args.link) {
        (Some(file), Some(name)) => link_settings(file, name)?,
        _ => LayoutSettings { packager: args.packager.clone(), ..LayoutSettings::default() },
    };
    let layout = Layout::new(&settings).map_err(|error| {
        let line = error.to_string();
        let is_option = args.packager.is_some();
        let line = if is_option { line.replace("links.packager", "--packager") } else { line };
        Failure::configuration(line)
    })?;
    let framing = args.framed.as_deref().map(framing).transpose()?;
    let input = match args.message {
        Some(text) => text.0,
        None => standard_input()?,
    };
    let input = bytes(&input)?;
    match framing {
        None => show(&describe(&layout, &input), args.json),
        Some(framing) => show_frames(&layout, &framing, &input, args.json),
    }
}

/// The layout of a link in a configuration file.
fn link_settings(file: &Path, name: &str) -> Result<LayoutSettings, Failure> {
    let refused =
        |why: &str| Failure::configuration(format_args!("--links-file {}: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| refused(&error.to_string()))?;
    let links: LinksFile = toml::from_str(&text).map_err(|error| refused(error.message()))?;
    let link = links.links.into_iter().find(|link| link.name == name);
    link.map(|link| link.layout).ok_or_else(|| {
        Failure::configuration(format_args!("--link: should be the name of one of the [[links]]"))
    })
}

/// Reads `LENGTH[,HEADER]`.
fn framing(text: &str) -> Result<Framing, Failure> {
    let (length, header) = text.split_once(',').unwrap_or((text, "none"));
    let settings = FramingSettings {
        length: Some(length.to_owned()),
        header: Some(NumberOrText::Text(header.to_owned())),
        max_frame: Some(65_535),
        ..FramingSettings::default()
    };
    let named = |error: iso8583::SettingsError| {
        let part = if error.key == "links.length" { "length" } else { "header" };
        Failure::configuration(format_args!("--framed: its {part} should be {}", error.should_be))
    };
    Framing::new(&settings).map_err(named)
}

fn standard_input() -> Result<Zeroizing<String>, Failure> {
    // The whole size at once: a text that grows leaves copies of itself behind.
    let mut text = Zeroizing::new(String::with_capacity(MAX_INPUT_BYTES as usize + 1));
    let read = std::io::stdin().take(MAX_INPUT_BYTES + 1).read_to_string(&mut text);
    read.map_err(|error| Failure::configuration(format_args!("standard input: {error}")))?;
    if text.len() as u64 > MAX_INPUT_BYTES {
        return Err(Failure::configuration("standard input: should be at most 1 MiB"));
    }
    Ok(text)
}

/// The bytes of hexadecimal text, which may contain white space.
fn bytes(text: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let refused = || Failure::configuration("HEX: should be pairs of hexadecimal digits");
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() / 2));
    let mut high = None;
    for character in text.chars().filter(|it| !it.is_whitespace()) {
        let digit = character.to_digit(16).and_then(|it| u8::try_from(it).ok());
        let digit = digit.ok_or_else(refused)?;
        match high.take() {
            None => high = Some(digit),
            Some(high) => bytes.push(high << 4 | digit),
        }
    }
    if high.is_some() {
        return Err(refused());
    }
    Ok(bytes)
}

fn show(description: &Description, is_json: bool) -> Result<(), Failure> {
    let text = if is_json {
        format!("{}\n", serde_json::to_string(description).unwrap_or_default())
    } else {
        description.to_string()
    };
    std::io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| Failure::run(format_args!("stdout: {error}")))?;
    match &description.error {
        None => Ok(()),
        Some(it) => Err(Failure::run(format_args!(
            "the message cannot be decoded: {} in field {} at byte {}; --packager, --links-file \
             and --framed say how it is laid out",
            it.error, it.field, it.offset
        ))),
    }
}

/// Shows the message of each frame, up to the first that cannot be read.
fn show_frames(
    layout: &Layout,
    framing: &Framing,
    input: &[u8],
    is_json: bool,
) -> Result<(), Failure> {
    let mut rest = input;
    let mut outcome = Ok(());
    while !rest.is_empty() {
        let at = input.len() - rest.len();
        let failed =
            |why: &str| Failure::run(format_args!("the frame at byte {at} cannot be read: {why}"));
        let size = match framing.read(rest).map_err(|fault| failed(&fault.to_string()))? {
            Frame::Incomplete => return Err(failed("partial_frame")),
            Frame::KeepAlive { bytes } => bytes.len(),
            Frame::Whole { message, size, .. } => {
                let shown = show(&describe(layout, message), is_json);
                outcome = outcome.and(shown);
                size
            }
        };
        rest = &rest[size..];
    }
    outcome
}
