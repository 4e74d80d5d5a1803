use super::*;

fn home() -> (tempfile::TempDir, crate::Home) {
    let folder = tempfile::tempdir().unwrap();
    let home = crate::Home::find(Some(folder.path().join("home"))).unwrap();
    (folder, home)
}

fn own(home: &crate::Home, text: &str) {
    fs::write(home.join(FILE), text).unwrap();
}

fn entry(name: &str, url: &str) -> String {
    format!(
        r#"{{"name":"{name}","description":"D.","version":"1.0.0","remotes":[{{"type":"streamable-http","url":"{url}"}}]}}"#
    )
}

fn sentence(catalogue: &Catalogue) -> String {
    catalogue.now().problem().unwrap().sentence.clone()
}

/// Proves catalogue.1.
#[test]
fn the_catalogue_is_well_formed_and_mittwald_and_wordpress_come_first() {
    let (_folder, home) = home();
    let list = Catalogue::new(&home).now();
    let ids: Vec<_> = list.tiles().iter().map(|t| t.id.as_str()).collect();
    assert_eq!(&ids[..3], ["mittwald", "wordpress", "playground"]);
    for tile in list.tiles() {
        assert_eq!(list.tile(&tile.id).as_ref(), Some(tile), "ids are unique");
        assert!(tile.extra.colour.is_some() && !tile.mark().is_empty(), "{}", tile.id);
    }
    assert!(list.problem().is_none());
}

/// Proves catalogue.1.
#[test]
fn the_catalogue_keeps_to_its_schema() {
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let schema = read(include_str!("../../data/catalogue.schema.json"));
    let data = read(include_str!("../../data/catalogue.json"));
    let check = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let wrong: Vec<_> = check.iter_errors(&data).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    // The schema tells wrong from right.
    for (from, to) in [
        ("\"de.mittwald/mcp\"", "\"mittwald\""),
        ("\"streamable-http\"", "\"stdio\""),
        ("\"refreshIdleDays\"", "\"refreshIdleDay\""),
        ("\"1.0.0\"", "\"latest\""),
        ("\"scheme\"", "\"skeme\""),
    ] {
        let text = include_str!("../../data/catalogue.json");
        assert!(!check.is_valid(&read(&text.replacen(from, to, 1))), "{from} → {to}");
    }
}

/// Proves catalogue.4.
#[test]
fn a_persons_own_entry_is_a_tile_as_soon_as_it_is_written() {
    let (_folder, home) = home();
    let catalogue = Catalogue::new(&home);
    assert!(catalogue.tile("notes").is_none());
    own(&home, &format!("[{}]", entry("org.example/notes", "http://127.0.0.1:9000/mcp")));
    let tile = catalogue.tile("notes").unwrap();
    assert_eq!((tile.title.as_str(), tile.name.as_str(), tile.own), ("notes", "notes", true));
    assert_eq!(tile.at, At::Url { url: "http://127.0.0.1:9000/mcp".into() });
    fs::remove_file(home.join(FILE)).unwrap();
    assert!(catalogue.tile("notes").is_none());
    own(&home, &entry("org.example/one", "https://one.example/mcp"));
    assert!(catalogue.tile("one").is_some(), "a single entry need not be in a list");
}

/// Proves catalogue.5.
#[test]
fn what_is_wrong_in_a_persons_file_is_said_with_its_line_and_takes_nothing_else_away() {
    let (_folder, home) = home();
    let good = entry("org.example/good", "https://good.example/mcp");
    let catalogue = Catalogue::new(&home);
    let all = catalogue.now().tiles().len();
    for (bad, line, says) in [
        (r#"{"name":"x"}"#.to_owned(), 3, "missing field `description`"),
        (entry("nothing", "https://x.example/mcp"), 3, "namespace/name"),
        (entry("org.example/mittwald", "https://x.example/mcp"), 3, "already"),
        (entry("org.example/x", "http://x.example/mcp"), 3, "scheme is http"),
        (entry("org.example/x", "file:///etc/passwd"), 3, ""),
        (entry("org.example/x", "https://{host}/mcp"), 3, "variables"),
        (r#"{"name":"a/b","description":"d","version":"1","remotes":[]}"#.to_owned(), 3, "no remote"),
        (
            "{\"name\":\"a/b\",\"description\":\"d\",\n\"version\":1}".to_owned(),
            4,
            "invalid type: integer `1`, expected a string",
        ),
        (
            good.replace(
                r#""version":"#,
                r#""_meta":{"app.bellhop.desktop/tile":{"colour":"red"}},"version":"#,
            ),
            3,
            "#rrggbb",
        ),
        (
            good.replace(
                r#""version":"#,
                r#""_meta":{"app.bellhop.desktop/tile":{"id":"p","kind":"playground"}},"version":"#,
            ),
            3,
            "playground",
        ),
    ] {
        own(&home, &format!("[\n{good},\n{bad}\n]"));
        assert!(catalogue.tile("good").is_some(), "{bad}");
        assert_eq!(catalogue.now().tiles().len(), all + 1, "{bad}");
        let said = sentence(&catalogue);
        assert!(said.contains(&format!(", line {line}: ")) && said.contains(says), "{said}");
    }
    own(&home, "[\n{\n");
    assert_eq!(catalogue.now().tiles().len(), all);
    assert!(sentence(&catalogue).contains("line 3"), "{}", sentence(&catalogue));
    own(&home, &"x".repeat(1024 * 1024 + 1));
    assert!(sentence(&catalogue).contains("1 MiB"));
}
