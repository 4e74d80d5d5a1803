//! All subjects side by side: every repetition goes through all of them before the next one begins.

use crate::{
    Failure,
    figures::{Figure, Figures},
    load::{Client, Span},
    plan::Plan,
    subject::{Reach, Subject},
};

/// One kind of measurement.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// One call after the other, with a body of so many bytes.
    Latency(usize),
    /// So many at once.
    Rate(usize),
    /// Each on a connection of its own.
    Connect,
}

/// A subject with the client that calls it.
struct Line<'a> {
    subject: &'a Subject,
    client: Option<Client>,
    tool: String,
}

/// Measure these subjects, as often as the plan says.
pub(crate) async fn rounds(subjects: &[Subject], plan: &Plan, figures: &mut Figures) {
    let mut lines = Vec::new();
    for subject in subjects.iter().filter(|s| !matches!(s.reach, Reach::Not(_))) {
        let mut line = Line { subject, client: None, tool: String::new() };
        match line.warm_up(plan).await {
            Ok(()) => lines.push(line),
            Err(e) => figures.trouble(subject.key, "start", &e.to_string()),
        }
    }
    let mut steps = vec![Step::Latency(64), Step::Rate(32), Step::Rate(256), Step::Connect];
    steps.extend(plan.bodies.iter().map(|size| Step::Latency(*size)));
    for round in 0..plan.rounds {
        eprintln!("round {} of {}", round + 1, plan.rounds);
        for step in &steps {
            // Whoever comes first finds another machine than whoever comes last: take turns.
            let count = lines.len();
            for n in 0..count {
                lines[(n + round) % count].step(*step, plan, figures).await;
            }
        }
    }
    for line in lines {
        if let Some(client) = line.client {
            client.end().await;
        }
    }
}

impl Line<'_> {
    async fn warm_up(&mut self, plan: &Plan) -> Result<(), Failure> {
        let mut client = self.subject.open().await?;
        self.tool = client.echo_tool().await?;
        client.latency(&self.tool, 64, Span::calls(plan.warm_up, 3), None).await?;
        self.client = Some(client);
        Ok(())
    }

    async fn step(&mut self, step: Step, plan: &Plan, figures: &mut Figures) {
        let key = self.subject.key;
        match self.try_step(step, plan).await {
            Ok(found) => found.into_iter().for_each(|(figure, value)| figures.note(key, figure, value)),
            Err(e) => {
                let what = match step {
                    Step::Latency(size) => format!("{size} B"),
                    Step::Rate(at_once) => format!("{at_once} at once"),
                    Step::Connect => "new connections".to_owned(),
                };
                figures.trouble(key, &what, &e.to_string());
                self.client = None;
                for figure in figures_of(step) {
                    figures.note(key, figure, None);
                }
            }
        }
    }

    async fn try_step(&mut self, step: Step, plan: &Plan) -> Result<Vec<(Figure, Option<f64>)>, Failure> {
        let client = match &mut self.client {
            Some(client) => client,
            // What went wrong before may have ended it.
            none => none.insert(self.subject.open().await?),
        };
        let pid = self.subject.pid(client);
        let span = Span::time(plan.block);
        match step {
            Step::Connect => Ok(vec![(Figure::Connect, client.connecting(&self.tool, 50).await?)]),
            Step::Latency(64) => {
                let found = client.latency(&self.tool, 64, span, pid).await?;
                let both = [(Figure::P50(64), Some(found.p50)), (Figure::P99(64), Some(found.p99))];
                Ok(both.into_iter().chain([(Figure::Cpu(1), found.cpu)]).collect())
            }
            Step::Latency(size) => {
                let found = client.latency(&self.tool, size, Span::time(plan.block / 2), pid).await?;
                Ok(vec![(Figure::P50(size), Some(found.p50)), (Figure::P99(size), Some(found.p99))])
            }
            Step::Rate(at_once) => {
                let found = client.rate(&self.tool, at_once, span, pid).await?;
                Ok(vec![(Figure::Rate(at_once), Some(found.rate)), (Figure::Cpu(at_once), found.cpu)])
            }
        }
    }
}

fn figures_of(step: Step) -> Vec<Figure> {
    match step {
        Step::Latency(64) => vec![Figure::P50(64), Figure::P99(64), Figure::Cpu(1)],
        Step::Latency(size) => vec![Figure::P50(size), Figure::P99(size)],
        Step::Connect => vec![Figure::Connect],
        Step::Rate(at_once) => vec![Figure::Rate(at_once), Figure::Cpu(at_once)],
    }
}
