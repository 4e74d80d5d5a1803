//! What a person types into a program that Bellhop doesn't know.

use authority::{GENERIC, Origin};
use control::GenericClient;
use model::ShortName;
use serde_json::json;

/// All that such a program may ask for, in the forms that people paste. Nothing in it is secret.
pub(crate) fn facts(origin: &Origin, services: &[ShortName]) -> GenericClient {
    let endpoint = format!("{origin}/mcp");
    let (authorization_url, token_url) = (format!("{origin}/authorize"), format!("{origin}/token"));
    let json = json!({
        "mcpServers": {
            "bellhop": {
                "type": "http",
                "url": endpoint,
                "oauth": {
                    "clientId": GENERIC,
                    "authorizationUrl": authorization_url,
                    "tokenUrl": token_url,
                },
            },
        },
    });
    // Origins are made of a few plain characters: nothing here needs to be escaped.
    let toml = format!(
        "[mcp_servers.bellhop]\nurl = \"{endpoint}\"\n\n[mcp_servers.bellhop.oauth]\nclient_id = \"{GENERIC}\"\n\
         authorization_url = \"{authorization_url}\"\ntoken_url = \"{token_url}\"\n"
    );
    let scope = services.first().map(|s| format!(" --scope {s}:read")).unwrap_or_default();
    GenericClient {
        endpoint,
        authorization_url,
        token_url,
        client_id: GENERIC.to_owned(),
        scopes: services.iter().flat_map(|s| [format!("{s}:read"), format!("{s}:write")]).collect(),
        json: format!("{json:#}\n"),
        toml,
        command: "bellhop mcp --app my-app".to_owned(),
        script: format!("bellhop token --device --name my-script{scope}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_that_are_pasted_say_the_same() {
        let origin = Origin::from_host("127.0.0.1:27440").unwrap();
        let facts = facts(&origin, &["blog".parse().unwrap()]);
        let json: serde_json::Value = serde_json::from_str(&facts.json).unwrap();
        let server = &json["mcpServers"]["bellhop"];
        for (said, is) in [
            (&server["url"], &facts.endpoint),
            (&server["oauth"]["authorizationUrl"], &facts.authorization_url),
            (&server["oauth"]["tokenUrl"], &facts.token_url),
            (&server["oauth"]["clientId"], &facts.client_id),
        ] {
            assert_eq!(said, is);
            assert!(facts.toml.contains(&format!(" = \"{is}\"\n")), "{}", facts.toml);
        }
        assert_eq!(facts.scopes, ["blog:read", "blog:write"]);
        assert!(facts.script.ends_with("--scope blog:read"));
    }
}
