use crate::{
    cli::List,
    face::{Face, unexpected},
    output::{Cell, Output, Style},
};
use bellhop_cli::problem::Stop;
use control::{Answer, Check, Doctor, Query};
use engine::Home;

/// Check that all is well. Fails when it isn't, so that a script can ask.
pub(super) async fn doctor(home: &Home, out: &Output, list: List) -> Result<(), Stop> {
    let doctor = match Face::open(home).await {
        Ok(face) => match face.query(Query::Doctor).await? {
            Answer::Doctor(doctor) => doctor,
            _ => return Err(unexpected()),
        },
        // Without Bellhop the rest can't be checked, and this is what to say.
        Err(Stop::Problem(problem)) => Doctor {
            checks: vec![Check {
                what: "Bellhop".to_owned(),
                seen: format!("not answering for {}", home.root().display()),
                problem: Some(problem),
            }],
        },
        Err(stop) => return Err(stop),
    };
    if list.json {
        out.json(&doctor)?;
    } else {
        show(out, &doctor)?;
    }
    if doctor.checks.iter().any(|c| c.problem.is_some()) { Err(Stop::Said) } else { Ok(()) }
}

fn show(out: &Output, doctor: &Doctor) -> Result<(), Stop> {
    let width = doctor.checks.iter().map(|c| c.what.chars().count()).max().unwrap_or(0);
    for check in &doctor.checks {
        let (mark, style) = if check.problem.is_some() { ("!!", Style::Bad) } else { ("ok", Style::Plain) };
        out.line(Cell::new(style, format!("{mark}  {:width$}  {}", check.what, check.seen)))?;
        if let Some(problem) = &check.problem {
            out.line(format!("    {}", problem.sentence))?;
            out.line(format!("    {}", problem.next))?;
        }
    }
    Ok(())
}
