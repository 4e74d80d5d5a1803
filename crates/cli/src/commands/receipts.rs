//! What was done about the sign-ins of removed services, and about those that a new one replaced.

use crate::{
    cli::List,
    face::{Face, unexpected},
    output::{Cell, Output, Style},
    times,
};
use bellhop_cli::problem::Stop;
use control::{Answer, Dead, Query, ReceiptCause, ReceiptStep, ReceiptView, StepOutcome};

/// `bellhop services receipts`
pub(super) async fn list(face: &Face, out: &Output, list: List) -> Result<(), Stop> {
    let Answer::Receipts { receipts } = face.query(Query::Receipts).await? else { return Err(unexpected()) };
    if list.json {
        return Ok(out.json(&receipts)?);
    }
    if receipts.is_empty() {
        return Ok(out.line("No sign-in was given up yet.")?);
    }
    for receipt in &receipts {
        let account = receipt.account.as_ref().map(|a| format!(", {a}")).unwrap_or_default();
        let head = format!(
            "{} ({}{account}), {} {}",
            receipt.name,
            receipt.title,
            match receipt.cause {
                ReceiptCause::Removed => "removed",
                ReceiptCause::Replaced => "signed in to again",
            },
            times::exact(receipt.removed_on)
        );
        out.line(Cell::new(Style::Strong, head))?;
        show(out, receipt)?;
    }
    Ok(())
}

/// Print what one receipt says.
pub(super) fn show(out: &Output, receipt: &ReceiptView) -> Result<(), Stop> {
    let mut rows: Vec<[Cell; 2]> = receipt.steps.iter().map(row).collect();
    let (style, dead) = match receipt.dead {
        Dead::SeenDead { at } => (Style::Good, format!("the service refuses it, seen {}", times::exact(at))),
        Dead::StillAlive => (Style::Bad, "the service still takes it".to_owned()),
        Dead::Unknown => (Style::Faint, "not known".to_owned()),
    };
    rows.push(["Is it dead?".into(), Cell::new(style, dead)]);
    Ok(out.pairs(rows)?)
}

fn row(step: &ReceiptStep) -> [Cell; 2] {
    let what = match step.what.as_str() {
        "local" => "On this computer",
        "refresh_token" => "Renewal token",
        "access_token" => "Access token",
        "registration" => "Bellhop's registration",
        "password" => "Application password",
        "page" => "By hand",
        other => other,
    };
    let said = step.said.as_ref().map(|said| format!(" ({said})")).unwrap_or_default();
    let (style, how) = match &step.outcome {
        StepOutcome::Done if step.what == "local" => (Style::Good, "deleted".to_owned()),
        StepOutcome::Done => (Style::Good, format!("taken back by the provider{said}")),
        StepOutcome::Refused => (Style::Bad, format!("the provider refused{said}")),
        StepOutcome::NotOffered => (Style::Faint, format!("the provider has no way{said}")),
        StepOutcome::Waiting { next_try } => {
            (Style::Bad, format!("not yet{said}, tried again {}", times::relative(*next_try)))
        }
        StepOutcome::ByHand { page: Some(page) } => (Style::Bad, format!("remove Bellhop at {page}")),
        StepOutcome::ByHand { page: None } => {
            (Style::Bad, "remove Bellhop from the list of apps in your account there".to_owned())
        }
    };
    [what.into(), Cell::new(style, how)]
}
