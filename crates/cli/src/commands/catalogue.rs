use crate::{
    cli::List,
    face::Face,
    output::{Cell, Output, Style},
};
use bellhop_cli::problem::Stop;
use control::CatalogueView;

/// The services that Bellhop knows; those that answer a search.
pub(super) async fn list(face: &Face, out: &Output, list: List, search: &[String]) -> Result<(), Stop> {
    let search = search.join(" ");
    let mut known = face.catalogue().await?;
    known.retain(|entry| entry.answers(&search));
    if list.json {
        return Ok(out.json(&known)?);
    }
    let nothing = "Bellhop knows none such. `bellhop services add URL` takes any address.";
    Ok(out.table(["ID", "TITLE", "ADDRESS", "ABOUT"], known.iter().map(row).collect(), nothing)?)
}

fn row(entry: &CatalogueView) -> [Cell; 4] {
    let address = match (&entry.url, &entry.site) {
        (Some(url), _) => url.as_str().into(),
        (None, Some(example)) => format!("yours, such as {example}").as_str().into(),
        (None, None) => "on this computer".into(),
    };
    [
        Cell::new(Style::Strong, entry.id.as_str()),
        entry.title.as_str().into(),
        address,
        entry.about.as_str().into(),
    ]
}
