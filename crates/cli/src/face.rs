//! Bellhop, asked from a terminal.

use bellhop_cli::problem::{Stop, not_answering};
use control::{Answer, Client, Command, Events, Outcome, Query, Section, SectionName};
use engine::Home;
use model::Problem;

/// A connection to the Bellhop that runs.
pub(crate) struct Face {
    client: Client,
    /// What it sends of itself, once [`Face::watch`] asked for it.
    pub events: Events,
}

impl Face {
    /// Connect. Starts nothing: a person may have quit Bellhop on purpose.
    pub(crate) async fn open(home: &Home) -> Result<Self, Stop> {
        let stream = home.connect().await.map_err(|_| not_answering())?;
        let (client, events) = Client::open(stream).await?;
        Ok(Self { client, events })
    }

    pub(crate) async fn command(&self, command: Command) -> Result<Answer, Stop> {
        Ok(self.client.command(command).await??)
    }

    pub(crate) async fn query(&self, query: Query) -> Result<Answer, Stop> {
        Ok(self.client.query(query).await??)
    }

    pub(crate) async fn prove(&self, proof: control::Proof) -> Result<Outcome, Stop> {
        Ok(self.client.prove(proof).await?)
    }

    pub(crate) async fn watch(&self, section: SectionName) -> Result<(), Stop> {
        self.client.watch(vec![section]).await??;
        Ok(())
    }

    async fn section(&self, section: SectionName) -> Result<Section, Stop> {
        match self.query(Query::Section { section }).await? {
            Answer::Section(section) => Ok(section),
            _ => Err(unexpected()),
        }
    }
}

/// Bellhop said something that is no answer to what was asked.
pub(crate) fn unexpected() -> Stop {
    Stop::Problem(Problem::new(
        "cli.unexpected",
        "Bellhop answered something else than was asked.",
        "Quit Bellhop and start it again, so that it is of the same version as this program.",
    ))
}

macro_rules! sections {
    ($($name:ident $section:ident $view:ty;)*) => {
        impl Face {$(
            pub(crate) async fn $name(&self) -> Result<$view, Stop> {
                match self.section(SectionName::$section).await? {
                    Section::$section(view) => Ok(view),
                    _ => Err(unexpected()),
                }
            }
        )*}
    };
}

sections! {
    status Status control::StatusView;
    services Services Vec<control::ServiceView>;
    catalogue Catalogue Vec<control::CatalogueView>;
    sign_ins SignIns Vec<control::SignInView>;
    connections Connections Vec<control::ConnectionView>;
    requests Requests Vec<control::RequestView>;
    apps Apps Vec<control::AppView>;
}
