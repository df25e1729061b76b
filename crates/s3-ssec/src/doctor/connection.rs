//! How the gateway is reached: TLS, clocks, release, the cost of small answers.

use super::exam::{Exam, TRIAL, exchange};
use super::{ProbeError, Rows, Seen, Topic, Verdict};
use crate::nonce::unix_now;
use crate::presign::now;
use crate::transport::Transport;
use http::Method;
use s3_ssec_core::profile::Ability;
use s3_ssec_core::request::Payload;
use std::time::{Duration, Instant};

pub(super) const REDIRECTS: &str = "every answer of this examination";

/// Gateways refuse requests that are 15 minutes off; a master key's nonce is found again from the
/// gateway's clock, which wants far less.
const SKEW_REFUSED: u64 = 15 * 60;
const SKEW_NOTED: u64 = 30;
/// A certificate that lasts no longer is told.
const DAYS_NOTED: u64 = 21;
/// Answers that are held back take 40 ms more than those that are not (measured 44 against 1).
const HELD_BACK: Duration = Duration::from_millis(25);
/// Answers at the start of a connection that no kernel delays (Linux: up to 16 acknowledgements).
const EAGER: usize = 20;
const ROUNDS: usize = 15;

pub(super) async fn check(exam: &mut Exam<'_>, rows: &mut Rows) {
    let topic = Topic::Connection;
    rows.add(topic, "tls", "a handshake, its chain and name checked", tls(exam).await);
    let delay = delay(exam).await;
    rows.add(topic, "clock", "the Date of an answer beside our clock", Ok(clock(exam)));
    let tried = "small answers on a kept connection, as other programs receive them";
    rows.add(topic, "latency", tried, delay);
}

async fn tls(exam: &mut Exam<'_>) -> Result<Seen, ProbeError> {
    let endpoint = exam.client.endpoint().as_str().to_owned();
    let transport = &exam.client.transport;
    let handshake = transport.handshake(&endpoint, unix_now()).await;
    let handshake = handshake.map_err(crate::call::CallError::from)?;
    let Some(version) = handshake.version else {
        let means = "keys travel in the clear: for a gateway under test on this machine only";
        return Ok(Seen::new(Verdict::Danger, "no TLS", means).todo("Use the https address."));
    };
    let version = version.replace("TLSv", "TLS ").replace('_', ".");
    let certificates = match handshake.chain {
        1 => "1 certificate".to_owned(),
        more => format!("{more} certificates"),
    };
    Ok(match handshake.days_left {
        Some(days) if days <= DAYS_NOTED => {
            let saw = format!("{version}, {certificates}, good for {days} days");
            Seen::new(Verdict::Note, saw, "the certificate has to be renewed soon")
                .todo("Tell the administrator of the gateway.")
        }
        Some(days @ 400..) => {
            let saw = format!("{version}, {certificates}, good for {days} days and more");
            Seen::good(saw, "keys are protected on their way")
        }
        Some(days) => {
            let saw = format!("{version}, {certificates}, good for {days} days");
            Seen::good(saw, "keys are protected on their way")
        }
        None => {
            let saw = format!("{version}, {certificates}");
            Seen::good(saw, "keys are protected on their way")
        }
    })
}

fn clock(exam: &Exam<'_>) -> Seen {
    let Some((theirs, ours)) = exam.clocks else {
        let means = "no answer had a Date; nonces are drawn from our own clock";
        return Seen::new(Verdict::Note, "no Date", means);
    };
    let skew = theirs.abs_diff(ours);
    let ahead = if theirs > ours { "ahead of" } else { "behind" };
    match skew {
        0..=SKEW_NOTED => Seen::good(format!("{skew} s apart"), "signatures and nonces are safe"),
        _ if skew < SKEW_REFUSED => {
            let means = "a lost nonce would be searched at the wrong time";
            Seen::new(Verdict::Caution, format!("the gateway is {skew} s {ahead} us"), means)
                .todo("Set the clock of this machine, or name it to the administrator.")
        }
        _ => {
            let means = "signed requests are refused at 15 minutes";
            Seen::new(Verdict::Danger, format!("the gateway is {skew} s {ahead} us"), means)
                .todo("Set the clock of this machine.")
        }
    }
}

/// What small answers on one connection take, the fastest first. Without the first ones of the
/// connection, whose segments a kernel acknowledges at once, so that they are never late.
async fn times(exam: &mut Exam<'_>, transport: &Transport) -> Result<Vec<Duration>, ProbeError> {
    let mut times = Vec::with_capacity(ROUNDS);
    for round in 0..EAGER + ROUNDS {
        let request = exam.object(Method::GET, "small")?.key(&exam.key);
        let signed = exam.signer.sign(request.payload(Payload::of(b"")), now());
        let (method, url, headers) = signed.into_parts();
        let start = Instant::now();
        let answer = exchange(transport, method, &url, &headers, b"").await?;
        answer.needed("GET of a small object")?;
        if round >= EAGER {
            times.push(start.elapsed());
        }
    }
    times.sort_unstable();
    Ok(times)
}

async fn delay(exam: &mut Exam<'_>) -> Result<Seen, ProbeError> {
    exam.put("small", TRIAL).await?.needed("PUT of a small object")?;
    let (own, others) = (exam.client.transport.clone(), exam.client.transport.as_others_have_it());
    // A busy machine only adds to ours; now and then an answer to others is acknowledged early.
    let own = times(exam, &own).await?[0];
    let others = times(exam, &others).await?[ROUNDS / 2];
    let millis = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1000.0);
    let saw = format!("{}; this program {}", millis(others), millis(own));
    let held_back = others > own + HELD_BACK;
    exam.profile.saw(Ability::NoDelay, !held_back);
    Ok(match held_back {
        false => Seen::good(saw, "small answers come at once"),
        true => Seen::new(
            Verdict::Caution,
            saw,
            "the gateway holds small answers back until the last one is acknowledged; this program \
             acknowledges at once, others wait",
        )
        .todo("Set tcp_nodelay=1 in rgw_frontends: beast endpoint=... tcp_nodelay=1."),
    })
}
