/** Ein Satz und der nächste Schritt. `{name|sonst}` nimmt einen Wert des Problems, oder was dahinter steht. */
type Said = { sentence: string; next: string };

const say = (sentence: string, next = ''): Said => ({ sentence, next });

const again = 'Versuch es noch einmal.';
const askProvider = 'Versuch es noch einmal; passiert es wieder, frag den Anbieter.';
const signInAgain = 'Melde dich dort neu an.';
const lookFirst =
  'Vielleicht ist geschehen, was verlangt war, vielleicht nicht: Sieh nach, bevor du es noch einmal versuchst.';
const byItself = 'Bellhop versucht es von selbst noch einmal.';
const offline = 'Prüfe die Adresse und die Internetverbindung und versuch es dann noch einmal.';
const disk = 'Prüfe, ob die Platte voll ist, und versuch es dann noch einmal.';
const connectAgain = 'Verbinde danach noch einmal.';
const backup = 'Leg den richtigen zurück, zum Beispiel aus einer Sicherung; deine Anmeldungen sind noch da.';
const host = '{host|Der Dienst}';
const service = '{service|Der Dienst}';
const app = '{app|die App}';
const file = '{file|die Einstellungsdatei}';

/** Was Bellhop sagt, wenn etwas schiefgeht, nach dem Code des Problems. */
export const problems: Record<string, Said> = {
  'window.unexpected': say(
    'Etwas ist schiefgegangen, für das Bellhop keinen Namen hat.',
    'Versuch es noch einmal; passiert es wieder, schließe dieses Fenster und öffne es neu.',
  ),

  'control.not_answering': say('Bellhop antwortet nicht.', 'Starte Bellhop.'),
  'control.version': say('Das laufende Bellhop hat eine andere Version.', 'Beende Bellhop und starte es neu.'),
  'control.gone': say(
    'Bellhop wurde beendet, bevor es antworten konnte.',
    'Starte Bellhop und versuch es noch einmal.',
  ),

  'engine.autostart': say('Ob Bellhop beim Anmelden startet, ließ sich nicht umstellen.', again),
  'engine.internal': say(
    'In Bellhop ist etwas schiefgegangen.',
    'Versuch es noch einmal; bleibt es so, sieh ins Protokoll.',
  ),
  'engine.locked': say('Bellhop ist gesperrt.', 'Entsperre es und versuch es dann noch einmal.'),
  'engine.running': say('Bellhop läuft schon.', 'Öffne es über sein Symbol.'),
  'engine.not_yet': say('Bellhop ist noch nicht so weit.', 'Versuch es gleich noch einmal.'),
  'engine.connection_paused': say(
    'Diese App ist in Bellhop pausiert.',
    'Wähle in Bellhop Fortsetzen für sie und versuch es dann noch einmal.',
  ),
  'engine.no_name': say('Von diesem Namen ist nichts zu sehen.', 'Tippe einen Namen mit Buchstaben oder Ziffern ein.'),
  'engine.key_name_taken': say(
    'Einen Zugangsschlüssel namens „{name|–}“ gibt es schon.',
    'Wähle einen anderen Namen, oder trenne zuerst jenen.',
  ),
  'engine.paused': say('Bellhop macht Pause.', 'Wähle Fortsetzen und versuch es dann noch einmal.'),
  'engine.keys_unchosen': say(
    'Bellhop weiß noch nicht, wo deine Schlüssel liegen sollen.',
    'Wähle es in Bellhops Fenster.',
  ),
  'engine.playground': say('Der Playground ließ sich nicht starten.', again),
  'engine.catalogue_file': say(
    'In {file|catalogue.json}, Zeile {line|–}, steht etwas, womit Bellhop nichts anfangen kann.',
    'Berichtige es; alle anderen Einträge sind da.',
  ),
  'engine.no_address': say('Es wurde keine Adresse angegeben.', 'Tippe die Adresse des Dienstes ein.'),
  'engine.name_taken': say('Einen Dienst mit diesem Kurznamen gibt es schon.', 'Wähle einen anderen Namen.'),
  'engine.proxy_setting': say(
    'In {name} steht kein Proxy, den Bellhop benutzen kann; deshalb geht es ohne.',
    'Schreib ihn als http://proxy.example:3128 und starte Bellhop neu.',
  ),
  'engine.no_browser': say('Der Browser ist nicht aufgegangen.', 'Kopiere die Adresse und öffne sie selbst.'),
  'engine.no_window': say('Bellhop läuft hier ohne Fenster.', 'Nimm die Befehle von „bellhop“.'),
  'engine.unknown_service': say('Diesen Dienst gibt es nicht mehr.', 'Sieh noch einmal in die Liste.'),
  'engine.unknown_tile': say('Diesen Dienst kennt Bellhop nicht.', 'Gib stattdessen seine Adresse an.'),
  'engine.sign_in_not_asked': say('Darauf wartet diese Anmeldung nicht (mehr).', 'Sieh nach, wie weit sie ist.'),
  'engine.credential_unreadable': say(
    'Was von dieser Anmeldung aufbewahrt ist, lässt sich nicht lesen.',
    'Melde dich beim Dienst neu an.',
  ),
  'signin.wordpress_none': say(
    'Unter {host|dieser Adresse} ist keine WordPress-Seite zu finden.',
    'Prüfe die Adresse. Stimmt sie, dann verbirgt vielleicht ein Plugin die REST-Schnittstelle der Seite: erlaube sie dort.',
  ),
  'signin.wordpress_no_mcp': say(
    '{host|Die Adresse} ist eine WordPress-Seite, die KI-Apps noch nicht antwortet.',
    'Installiere dort ein Plugin dafür, etwa MCP Adapter oder AI Connector, und versuche es dann noch einmal.',
  ),
  'signin.wordpress_elsewhere': say(
    'Die Seite unter {host|dieser Adresse} sagt, ihre Adresse sei {named|eine andere}.',
    'Füge sie unter jener Adresse hinzu, oder berichtige die Adresse in den allgemeinen Einstellungen der Seite.',
  ),
  'signin.wordpress_forbidden': say(
    '{host|Die Seite} erlaubt keine Anwendungspasswörter.',
    'Erlaube sie im Sicherheits-Plugin der Seite, oder frage, wer die Seite betreibt.',
  ),
  'signin.wordpress_https': say(
    '{host|Die Seite} legt keine Anwendungspasswörter an, weil sie über http erreicht wird.',
    'Nimm dort https. Bei einer Seite auf diesem Computer stelle den Umgebungstyp auf „local“.',
  ),
  'signin.wordpress_header': say(
    'Der Webserver von {host|der Seite} verwirft das Passwort, bevor WordPress es sieht.',
    'Bitte den Hoster, den Authorization-Header an PHP weiterzureichen.',
  ),
  'signin.wordpress_user': say(
    '{host|Die Seite} kennt keinen Benutzer „{user|dieses Namens}“.',
    'Gib den Namen an, mit dem du dich bei WordPress anmeldest, nicht den Namen des Anwendungspassworts.',
  ),
  'signin.wordpress_unknown': say(
    '{host|Die Seite} kennt keinen Benutzer „{user|dieses Namens}“ mit diesem Anwendungspasswort.',
    'Gib den Namen an, mit dem du dich bei WordPress anmeldest, nicht den Namen des Passworts, und füge ein Anwendungspasswort aus deinem Profil dort ein; das Passwort, mit dem du dich anmeldest, geht hier nicht.',
  ),
  'signin.wordpress_unseen': say(
    '{host|Die Seite} kennt keinen Benutzer „{user|dieses Namens}“ mit diesem Anwendungspasswort, oder ihr Webserver verwirft das Passwort.',
    'Gib den Namen an, mit dem du dich anmeldest. Stimmt er, dann bitte den Hoster, den Authorization-Header an PHP weiterzureichen.',
  ),
  'signin.wordpress_password': say(
    '{host|Die Seite} kennt dieses Passwort nicht.',
    'Füge ein Anwendungspasswort aus deinem Profil dort ein; das Passwort, mit dem du dich anmeldest, geht hier nicht.',
  ),
  'signin.wordpress_refused': say(
    '{host|Die Seite} lehnt dieses Passwort ab.',
    'Prüfe, ob dieser Benutzer dort die REST-Schnittstelle nutzen darf, oder frage, wer die Seite betreibt.',
  ),
  'signin.wordpress_other_site': say(
    'Eine Antwort kam von einer anderen Seite als {host|der gefragten}; Bellhop hat sie nicht benutzt.',
    'Schließe die Seite im Browser und versuche es noch einmal.',
  ),
  'signin.wordpress_unreadable': say(
    'Das können kein Benutzername und kein Passwort sein, die WordPress kennt.',
    'Tippe den Benutzernamen ein, und füge das Anwendungspasswort so ein, wie WordPress es zeigt.',
  ),
  'engine.unknown_sign_in': say('Diese Anmeldung gibt es nicht mehr.', 'Beginne sie neu.'),
  'engine.unknown_connection': say('Diese Verbindung gibt es nicht.', 'Sieh noch einmal in die Liste.'),
  'engine.unknown_request': say(
    'Diese Anfrage gibt es nicht mehr: Sie wurde beantwortet oder hat zu lange gewartet.',
    'Lass die App noch einmal fragen.',
  ),
  'engine.port': say('Bellhop kann an diesem Port nicht auf Apps warten.', 'Starte Bellhop mit einem anderen Port.'),
  'engine.port_in_use': say(
    'Port {port|von Bellhop} ist schon belegt von: {owner|einem anderen Programm}.',
    'Beende dieses Programm, oder starte Bellhop mit einem anderen Port.',
  ),
  'engine.squatter': say(
    'An Bellhops Port antwortet ein anderes Programm.',
    'Beende dieses Programm und starte Bellhop dann neu.',
  ),
  'engine.endpoint_silent': say('Bellhops eigene Adresse antwortet nicht.', 'Beende Bellhop und starte es neu.'),
  'engine.home': say('Bellhop kann seinen Ordner nicht benutzen.', 'Wähle einen anderen Ordner.'),
  'engine.no_home': say('Bellhop weiß nicht, wo es seine Dateien ablegen soll.', 'Nenne ihm einen Ordner.'),
  'engine.cannot_start': say('Bellhop ließ sich nicht starten.', 'Starte es von Hand.'),
  'engine.proof': say(
    'Dieses Fenster konnte nicht zeigen, dass Bellhop es geöffnet hat.',
    'Schließe es und öffne Bellhop über sein Symbol.',
  ),
  'engine.needs_window': say('Das darf nur ein Mensch, in Bellhops Fenster.', 'Antworte in Bellhops Fenster.'),
  'engine.not_let_in': say('{app} ließ sich nicht hereinlassen.', 'Versuch es noch einmal aus der App.'),
  'engine.own_address': say(
    'Das ist Bellhops eigene Adresse. Sie ist für die Apps auf diesem Computer.',
    'Gib die Adresse des Dienstes an.',
  ),
  'engine.needs_pin': say('Das darf nur ein Mensch: Es braucht die PIN.', 'Gib die PIN ein.'),
  'engine.pin_wrong': say('Das ist nicht die PIN.', again),
  'engine.pin_wait': say(
    'Zu viele falsche PINs. Der nächste Versuch geht in {seconds|einigen} Sekunden.',
    'Warte so lange.',
  ),
  'engine.pin_length': say('Diese PIN ist zu kurz oder zu lang.', 'Wähle eine andere.'),
  'engine.pin_failed': say('Die PIN ließ sich nicht aufbewahren.', again),
  'engine.bridge_unanswered': say(
    `${app} ist noch nicht eingelassen.`,
    'Antworte in Bellhops Fenster und versuch es dann noch einmal.',
  ),
  'engine.bridge_denied': say(
    `${app} wurde nicht eingelassen.`,
    'War das ein Versehen, versuch es aus der App noch einmal.',
  ),
  'engine.no_token': say(
    'Diese App ist noch nicht mit Bellhop verbunden.',
    'Lass sie sich anmelden; Bellhop fragt dich dann.',
  ),
  'engine.token_refused': say('Die Verbindung dieser App zu Bellhop ist zu Ende.', 'Lass die App sich neu anmelden.'),
  'engine.token_in_address': say(
    'Ein Schlüssel stand in der Adresse, wo Protokolle ihn aufheben.',
    'Die App muss ihn anders schicken.',
  ),

  'engine.ending': say('Bellhop wurde beendet, bevor du geantwortet hast.', 'Frag gleich noch einmal.'),
  'engine.more_denied': say(
    '{app|Die App} darf das nicht: Du hast es abgelehnt.',
    'War das ein Versehen, frag in zehn Minuten noch einmal.',
  ),
  'engine.more_unanswered': say(
    'Niemand hat geantwortet, ob {app|die App} das darf.',
    'Frag noch einmal, und antworte in Bellhop.',
  ),
  'engine.not_asked': say(
    '{app|Die App} hat um etwas anderes gebeten: „{permit|mehr}“.',
    'Erlaube genau das, oder lehne es ab.',
  ),
  'engine.not_widened': say('{app|Der App} ließ sich das nicht erlauben.', again),
  'engine.request_changed': say('Gefragt wird etwas anderes, als dir gezeigt wurde.', 'Sieh noch einmal hin.'),
  'engine.permission_not_granted': say(
    `{service|Der Dienst} hat nicht erlaubt, was dafür nötig ist.`,
    `Wähl in Bellhop bei {service|dem Dienst} „Mehr erlauben“, oder frag den Anbieter danach.`,
  ),
  'engine.sign_in_declined': say(
    `Die Anmeldung bei {service|dem Dienst} wurde nicht zu Ende gebracht.`,
    'Melde dich in Bellhop an und frag dann noch einmal.',
  ),
  'engine.lock': say(
    'Bellhop kann seinen Ordner nicht benutzen.',
    'Prüfe, ob er dir gehört und ob die Platte voll ist.',
  ),
  'engine.socket': say('Bellhop kann auf diesem Computer nicht auf seine Fenster warten.', 'Starte Bellhop neu.'),
  'engine.no_pin': say('Hier zählt keine PIN.', 'Antworte in Bellhops Fenster.'),
  'engine.pin_set': say('Es gibt schon eine PIN.', 'Nimm diese.'),
  'engine.passphrase_needed': say(
    'Bellhops Schlüssel liegen unter deiner Passphrase.',
    'Tippe sie ein, um sie zu öffnen.',
  ),

  'vault.locked': say(
    'Dein Schlüsselbund ist gesperrt.',
    'Wähle Entsperren und tippe sein Passwort ein, wenn das System fragt.',
  ),
  'vault.hung': say(
    'Dein Schlüsselbund antwortet nicht.',
    'Beantworte die Frage, die er vielleicht zeigt, und wähle dann Entsperren.',
  ),
  'vault.no_keychain': say(
    'Dieser Computer hat keinen Schlüsselbund, in dem Bellhop seinen Schlüssel ablegen könnte.',
    'Wähle eine Passphrase, oder behalte die Schlüssel nur, bis Bellhop endet.',
  ),
  'vault.wrong_passphrase': say('Das ist nicht die Passphrase.', 'Tippe sie noch einmal.'),
  'vault.empty_passphrase': say('Die Passphrase ist leer.', 'Wähle eine mit ein paar Zeichen.'),
  'vault.key_missing': say('Der Schlüssel zu Bellhops Dateien ist nicht mehr dort, wo er lag.', backup),
  'vault.key_mismatch': say('Der gefundene Schlüssel öffnet Bellhops Dateien nicht.', backup),
  'vault.kept_elsewhere': say(
    'Der Schlüssel zu Bellhops Dateien liegt woanders.',
    'Starte Bellhop mit dem Ort, den du zuerst gewählt hast.',
  ),
  'vault.file': say('Die Schlüsseldatei lässt sich nicht benutzen.', 'Prüfe ihren Pfad und ihre Rechte.'),
  'vault.file_mode': say('Andere können die Schlüsseldatei lesen.', 'Nimm ihnen das Recht dazu.'),
  'vault.file_owner': say('Die Schlüsseldatei gehört jemand anderem.', 'Nimm eine eigene Datei.'),
  'vault.file_form': say('In dieser Datei steht kein Schlüssel von Bellhop.', 'Nenne die richtige Datei.'),
  'vault.record': say(
    'Bellhops eigene Datei ist beschädigt.',
    'Stelle Bellhops Ordner aus einer Sicherung wieder her.',
  ),
  'vault.unsealable': say('Eine gespeicherte Anmeldung ist beschädigt oder wurde von außen verändert.', signInAgain),

  'store.open': say(
    'Bellhop kann eine seiner Dateien nicht öffnen.',
    'Prüfe, ob die Platte voll ist und der Ordner dir gehört.',
  ),
  'store.full': say('Die Platte ist voll, Bellhop kann nichts mehr festhalten.', `Schaff etwas Platz. ${byItself}`),
  'store.io': say('Bellhop kann eine seiner Dateien nicht benutzen.', 'Prüfe ihren Pfad und ihre Rechte.'),
  'store.name_taken': say('Ein anderer Dienst hat diesen Kurznamen schon.', 'Wähle einen anderen Namen.'),
  'store.newer': say(
    'Bellhops Dateien stammen von einem neueren Bellhop.',
    'Installiere das neueste Bellhop. Es wurde nichts verändert.',
  ),
  'store.damaged': say(
    'Eine Datei von Bellhop ist beschädigt.',
    'Leg eine Kopie aus einer Sicherung zurück, oder räum die Datei weg, um neu anzufangen.',
  ),
  'store.superseded': say('Das hat sich inzwischen geändert.', 'Sieh es dir noch einmal an.'),
  'store.sealed': say('Eine gespeicherte Anmeldung lässt sich mit diesem Schlüssel nicht öffnen.', signInAgain),
  'store.failed': say('Bellhop konnte seine Dateien nicht lesen oder schreiben.', disk),

  'authority.already_waiting': say('Diese App wartet schon auf deine Antwort.', 'Antworte in Bellhop.'),
  'authority.denied_recently': say(
    'Du hast diese App gerade abgewiesen.',
    'Sie kann in {seconds|einigen} Sekunden wieder fragen.',
  ),
  'authority.turned_away': say(
    'Diese App hast du in Bellhop getrennt.',
    'Wähle dort Verbinden für sie, wenn sie wieder fragen darf.',
  ),
  'authority.key_nameless': say(
    'Ein Zugangsschlüssel braucht einen Namen, damit du später weißt, wofür er ist.',
    'Gib ihm den Namen des Programms, das ihn benutzt.',
  ),
  'authority.key_past': say(
    'Dieser Tag ist vorbei, der Schlüssel würde also nie gelten.',
    'Wähle einen Tag, der noch kommt.',
  ),
  'authority.key_scope': say(
    'Etwas, das du gewählt hast, lässt sich nicht erlauben.',
    'Sieh dir die Dienste noch einmal an und wähle neu.',
  ),
  'authority.too_many_waiting': say('Zu viele Apps warten auf deine Antwort.', 'Beantworte erst diese.'),
  'authority.nothing_offered': say(
    'Bellhop hat noch keinen Dienst für diese App.',
    'Verbinde zuerst einen Dienst, dann die App noch einmal.',
  ),
  'authority.nothing_chosen': say(
    'Es ist nichts gewählt, also gibt es nichts zu erlauben.',
    'Wähle mindestens eins, oder lehne ab.',
  ),
  'authority.not_offered': say(
    'Etwas, das du gewählt hast, lässt sich nicht erlauben.',
    'Sieh dir die Anfrage noch einmal an.',
  ),
  'authority.request_changed': say(
    'Die App will etwas anderes, als dir gezeigt wurde.',
    'Sieh dir die Anfrage noch einmal an und entscheide dann.',
  ),
  'authority.request_gone': say(
    'Diese App wartet nicht mehr auf eine Antwort.',
    'Verbinde sie noch einmal, wenn du sie einlassen willst.',
  ),
  'authority.request_expired': say(
    'Diese App hat zehn Minuten gewartet und aufgegeben.',
    'Verbinde sie noch einmal, wenn du sie einlassen willst.',
  ),
  'authority.rows': say('Bellhop konnte seine Dateien nicht lesen oder schreiben.', disk),

  'signin.address_malformed': say(
    'Diese Adresse kann Bellhop nicht benutzen.',
    'Tippe sie so: https://example.com/mcp.',
  ),
  'signin.address_too_long': say('Diese Adresse ist zu lang.', 'Prüfe, was eingefügt wurde.'),
  'signin.address_scheme': say(
    'Bellhop nutzt nur Adressen, die mit https:// beginnen.',
    'Tippe die Adresse mit https://.',
  ),
  'signin.address_user': say(
    'In dieser Adresse steht ein Benutzername oder Passwort.',
    'Tippe sie ohne; Bellhop meldet sich im Browser an.',
  ),
  'signin.address_private': say(
    'Der Dienst hat Bellhop in ein privates Netz geschickt: {host|eine Adresse dort}.',
    'Dorthin geht Bellhop nur, wenn du die Adresse selbst eintippst.',
  ),
  'signin.not_mcp': say(
    `${host} antwortet, hat an dieser Adresse aber nichts für KI-Apps.`,
    'Prüfe die Adresse; oft endet sie auf /mcp.',
  ),
  'signin.no_way_in': say(
    `${host} verlangt eine Anmeldung, sagt aber nicht, wie sie geht.`,
    'Prüfe die Adresse, oder frag den Anbieter.',
  ),
  'signin.issuer_differs': say(
    'Die Anmeldung gibt sich für jemand anderen aus, deshalb hat Bellhop sie nicht benutzt.',
    'Sag dem Anbieter Bescheid.',
  ),
  'signin.no_pkce': say(
    `${host} sagt nicht, dass seine Anmeldung gegen Mitlesen geschützt ist, deshalb hat Bellhop sie nicht benutzt.`,
    'Frag den Anbieter danach.',
  ),
  'signin.token_header': say(
    'In einer Kopfzeile dieses Namens kann kein Token stehen.',
    'Nimm den Namen aus der Anleitung des Anbieters, etwa X-Api-Key.',
  ),
  'signin.secret_refused': say(
    `${host} nimmt das nicht an.`,
    'Prüfe, ob alles kopiert wurde und noch gilt, und gib es noch einmal ein.',
  ),
  'signin.not_offered': say(
    `${host} kennt diese Art der Anmeldung nicht.`,
    'Wähle eine andere, oder überlass Bellhop die Wahl.',
  ),
  'signin.code_ended': say(`Niemand hat den Code bei ${host} rechtzeitig eingegeben.`, 'Versuch es noch einmal.'),
  'signin.no_registration': say(
    `${host} lässt neue Apps sich nicht selbst vorstellen.`,
    'Frag den Anbieter, ob Bellhop dort eingetragen werden kann.',
  ),
  'signin.registration_refused': say(
    `${host} hat Bellhop nicht als neue App angenommen.`,
    'Versuch es später noch einmal, oder frag den Anbieter.',
  ),
  'signin.no_port': say(
    'Dieser Computer gab Bellhop keinen Weg, auf dem der Browser zurückkommt.',
    'Prüfe, ob ein Schutzprogramm Bellhop daran hindert.',
  ),
  'signin.denied': say('Die Anmeldung wurde abgelehnt.', 'Versuch es noch einmal und erlaube es im Browser.'),
  'signin.permission_refused': say(
    `${host} gibt nicht alle Berechtigungen, um die gebeten wurde.`,
    'Bitte um weniger: Lass weg, was du hinzugefügt hast, und versuch es noch einmal.',
  ),
  'signin.refused': say(`${host} hat die Anmeldung mit einem Fehler beendet.`, askProvider),
  'signin.wrong_issuer': say(
    'Der Browser kam mit einer Antwort von jemand anderem zurück, deshalb hat Bellhop sie nicht benutzt.',
    'Schließe die Seite im Browser und versuch es noch einmal.',
  ),
  'signin.no_token': say(`${host} hat die Anmeldung nicht zu Ende gebracht.`, askProvider),
  'signin.new_token_refused': say(
    `Die Anmeldung hat geklappt, aber ${host.replace('Der', 'der')} nimmt sie nicht an.`,
    'Prüfe, ob das Konto diesen Dienst nutzen darf.',
  ),
  'signin.timed_out': say('Zehn Minuten lang hat sich niemand angemeldet, deshalb wartet Bellhop nicht mehr.', again),
  'signin.cancelled': say('Die Anmeldung wurde abgebrochen.', again),
  'signin.host_unknown': say(
    'Diese Adresse gibt es nicht, oder dieser Computer ist offline: {host|unbekannt}.',
    offline,
  ),
  'signin.unreachable': say(`${host} ist nicht zu erreichen.`, offline),
  'signin.insecure': say(
    `${host} konnte sich nicht ausweisen, deshalb hat Bellhop nichts geschickt.`,
    'Prüfe das Datum dieses Computers und das Netz, in dem du bist.',
  ),
  'signin.proxy': say(
    `${host} ist über den Proxy {proxy} nicht zu erreichen.`,
    'Prüfe die Internetverbindung und die Proxy-Einstellungen dieses Computers und versuch es dann noch einmal.',
  ),
  'signin.proxy_login': say(
    'Der Proxy {proxy} lässt Bellhop ohne den richtigen Benutzernamen und das richtige Passwort nicht durch.',
    'Schreib beides in die Adresse des Proxys in den Einstellungen dieses Computers und starte Bellhop neu.',
  ),
  'signin.no_answer': say(`${host} hat nicht rechtzeitig geantwortet.`, 'Versuch es in ein paar Minuten noch einmal.'),
  'signin.unusable_answer': say(
    `Mit der Antwort kann Bellhop nichts anfangen. Sie kam von: {host|dem Dienst}.`,
    'Prüfe die Adresse, oder versuch es in ein paar Minuten noch einmal.',
  ),
  'signin.no_client': say(
    'Bellhop konnte auf diesem Computer keine sichere Verbindung vorbereiten.',
    'Starte Bellhop neu.',
  ),
  'signin.stopped': say('Bellhop benutzt diese Anmeldung nicht mehr.', 'Verbinde den Dienst neu.'),
  'signin.expired': say('Deine Anmeldung ist abgelaufen. Es ist nichts verloren.', signInAgain),
  'signin.ended': say('Deine Anmeldung ist zu Ende.', signInAgain),
  'signin.revoked': say('Deine Anmeldung wurde beim Dienst beendet. Es ist nichts verloren.', signInAgain),
  'signin.interrupted': say('Eine Erneuerung der Anmeldung wurde unterbrochen.', signInAgain),
  'signin.not_accepted': say('Die Anmeldung wird nicht mehr angenommen. Es ist nichts verloren.', signInAgain),
  'signin.refused_again': say(
    'Der Dienst lehnt die Anmeldung ab, obwohl sie gerade erneuert wurde.',
    'Versuch es in einer Minute noch einmal; bleibt es so, melde dich neu an.',
  ),
  'signin.doubted': say(
    `${host} hat die Anmeldung nicht erneuert; Bellhop fragt noch einmal, bevor es dich stört.`,
    byItself,
  ),
  'signin.unregistered': say(`${host} kennt Bellhop nicht mehr.`, signInAgain),
  'signin.renewal_refused': say(
    `${host} will die Anmeldung nicht erneuern.`,
    `${byItself} Bleibt es so, melde dich neu an.`,
  ),
  'signin.renewal_failed': say(`${host} konnte die Anmeldung gerade nicht erneuern.`, byItself),
  'signin.unsaved': say(
    'Die erneuerte Anmeldung ließ sich auf diesem Computer nicht speichern.',
    'Prüfe, ob die Platte voll ist, und beende Bellhop nicht, solange das hier steht.',
  ),
  'signin.unprepared': say(
    'Bellhop konnte die Anmeldung nicht erneuern, weil es nichts speichern kann.',
    `Prüfe, ob die Platte voll ist. ${byItself}`,
  ),
  'signin.revoke_unsupported': say(
    'Bellhop hat die Anmeldung vergessen, konnte es dem Dienst aber nicht sagen.',
    'Entferne Bellhop sicherheitshalber dort aus der Liste der Apps.',
  ),
  'signin.revoke_failed': say(
    'Bellhop hat die Anmeldung vergessen, konnte es dem Dienst aber nicht sagen.',
    'Entferne Bellhop sicherheitshalber dort aus der Liste der Apps.',
  ),

  'relay.no_service': say(
    'Diesen Dienst gibt es nicht, oder diese App darf ihn nicht nutzen.',
    'Sieh dir die Verbindung dieser App in Bellhop an.',
  ),
  'relay.not_allowed': say(
    'Das darf diese App bei {service|diesem Dienst} nicht.',
    'Verbinde sie neu, um ihr mehr zu erlauben.',
  ),
  'relay.nothing_of_that_name': say(
    'Etwas mit diesem Namen gibt es dort nicht: {name|unbekannt}.',
    'Die App soll die Liste neu holen.',
  ),
  'relay.no_method': say('Das kennt Bellhop nicht.'),
  'relay.bad_params': say('Die Anfrage der App ist unvollständig.'),
  'relay.not_ready': say('Der Dienst ist gerade nicht bereit.', again),
  'relay.lacks_permission': say(
    `{service|Der Dienst} braucht dafür eine Erlaubnis, die die Anmeldung nicht hat: {wanted|welche, sagt er nicht}.`,
    `Öffne Bellhop und wähl bei {service|dem Dienst} „Mehr erlauben“.`,
  ),
  'relay.signed_out': say(`${service} nimmt die Anmeldung nicht mehr an.`, signInAgain),
  'relay.proxy': say(
    `${service} war über den Proxy {proxy} nicht zu erreichen.`,
    'Prüfe die Internetverbindung und die Proxy-Einstellungen dieses Computers und versuch es dann noch einmal.',
  ),
  'relay.unreachable': say(
    `${service} war nicht zu erreichen.`,
    'Prüfe die Internetverbindung und versuch es dann noch einmal.',
  ),
  'relay.timed_out': say(`${service} hat zu lange für die Antwort gebraucht.`, 'Versuch es gleich noch einmal.'),
  'relay.insecure': say(
    'Die Adresse des Dienstes ist nicht verschlüsselt, deshalb wurde nichts geschickt.',
    'Füge ihn mit einer Adresse hinzu, die mit https:// beginnt.',
  ),
  'relay.status': say(`${service} hat mit einem Fehler geantwortet ({status|unbekannt}).`, askProvider),
  'relay.busy': say(`${service} bittet um weniger Anfragen.`, 'Warte ein wenig und versuch es dann noch einmal.'),
  'relay.no_mcp': say(
    `Die Antwort war nichts, was Apps nutzen können. Sie kam von: {service|dem Dienst}.`,
    'Prüfe die Adresse des Dienstes.',
  ),
  'relay.declined': say(`${service} wollte nicht anfangen.`, askProvider),
  'relay.session_gone': say(`${service} hat mitten in der Antwort aufgehört.`, lookFirst),
  'relay.died': say(`${service} hat mitten in der Antwort aufgehört.`, lookFirst),
  'relay.too_large': say(
    `Die Antwort war zu groß. Sie kam von: {service|dem Dienst}.`,
    'Bitte die App um weniger auf einmal.',
  ),
  'relay.narrow_token': say(
    'Diese App dürfte das, hat aber selbst um weniger gebeten.',
    'Lass die App sich neu bei Bellhop anmelden.',
  ),
  'relay.given_up': say('Die App wartet nicht mehr auf die Antwort.'),
  'relay.missing_capability': say(
    `${service} will etwas fragen ({ability|etwas}), das diese App nicht gefragt werden kann.`,
    'Nimm eine App, die das kann, oder gib gleich alles an, was der Dienst braucht.',
  ),
  'relay.unanswered': say(
    `Die App hat nicht beantwortet, was ${service} gefragt hat.`,
    'Versuch es noch einmal, und beantworte die Frage.',
  ),
  'relay.bad_state': say('Worauf gewartet wurde, wartet nicht mehr.', 'Frag noch einmal von vorn.'),
  'relay.too_many': say('Zu viele Anfragen dieser App warten auf Antworten.', 'Beantworte zuerst diese.'),
  'relay.not_in_time': say(`${service} wartet in Bellhop auf dich.`, 'Antworte in Bellhop und frag dann noch einmal.'),
  'relay.revoked': say('Diese App ist getrennt.', 'Verbinde sie neu, wenn du sie wieder einlassen willst.'),

  'apps.unknown': say('Diese App kennt Bellhop nicht.', 'Die Liste der Apps zeigt die bekannten.'),
  'apps.method': say('So lässt sich {app|diese App} nicht verbinden.', 'Überlass Bellhop, wie sie verbunden wird.'),
  'apps.no_place': say(
    'Bellhop weiß nicht, wo {app|diese App} auf diesem Computer ihre Einstellungen hat.',
    `Starte die App einmal. ${connectAgain}`,
  ),
  'apps.outdated': say(
    '{app|Diese App} sucht Bellhop noch dort, wo es früher war.',
    'Verbinde sie noch einmal; Bellhop berichtigt dann den Eintrag.',
  ),
  'apps.taken': say(
    '{app|Diese App} hat schon einen Eintrag „bellhop“, den Bellhop nicht geschrieben hat.',
    `Benenne ihn um oder lösche ihn. ${connectAgain}`,
  ),
  'apps.syntax': say(
    'In der Einstellungsdatei {file|der App} ist ein Fehler in Zeile {line|?}, Spalte {column|?}.',
    `Berichtige die Zeile; Bellhop hat nichts angerührt. ${connectAgain}`,
  ),
  'apps.encoding': say(
    'In der Einstellungsdatei {file|der App} stehen Zeichen, die kein Text sind, in Zeile {line|?}.',
    `Speichere sie als UTF-8; Bellhop hat nichts angerührt. ${connectAgain}`,
  ),
  'apps.form': say(
    'Die Einstellungsdatei {file|der App} ist anders aufgebaut, als die App es erwartet, in Zeile {line|?}.',
    `Berichtige sie; Bellhop hat nichts angerührt. ${connectAgain}`,
  ),
  'apps.twice': say(
    'In {file|der Einstellungsdatei} steht „{key|ein Name}“ zweimal, zuletzt in Zeile {line|?}.',
    `Lösche eines davon; Bellhop hat nichts angerührt. ${connectAgain}`,
  ),
  'apps.read_only': say(
    'Die Einstellungsdatei {file|der App} ist schreibgeschützt.',
    `Nimm den Schutz weg. ${connectAgain}`,
  ),
  'apps.denied': say(`Bellhop darf ${file} nicht ändern.`, `Gib dir das Recht, dort zu schreiben. ${connectAgain}`),
  'apps.busy': say(`Ein anderes Programm benutzt gerade ${file}.`, `Schließe die App. ${connectAgain}`),
  'apps.changed': say(
    `Ein anderes Programm hat gerade ${file} geändert.`,
    'Sieh dir die Änderung noch einmal an und verbinde dann.',
  ),
  'apps.no_file': say(
    'Wo die Einstellungsdatei {file|der App} sein sollte, ist etwas anderes.',
    `Räum es weg. ${connectAgain}`,
  ),
  'apps.too_large': say(
    'Viel zu groß für eine Einstellungsdatei: {file|die Datei der App}.',
    'Prüfe, was das ist; Bellhop hat nichts angerührt.',
  ),
  'apps.full': say(
    'Auf der Platte ist kein Platz mehr.',
    `Schaff etwas Platz; es wurde nichts geändert. ${connectAgain}`,
  ),
  'apps.disk': say(`Bellhop konnte ${file} nicht lesen oder schreiben.`, `Prüfe die Platte. ${connectAgain}`),
  'apps.unwritable': say(
    'Ein Pfad enthält Zeichen, die in keiner Einstellungsdatei stehen können.',
    'Benenne den Ordner um.',
  ),
  'apps.unsafe': say(
    `Bellhop kann ${file} nicht ändern, ohne anderes darin anzurühren.`,
    'Trag es von Hand ein: Die Anleitung der App zeigt, wie. Bellhop hat nichts angerührt.',
  ),
};
