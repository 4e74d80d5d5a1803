// Each picture: a scene of the preview, and what a person does before it is taken.
const nav = (place) => (page) => page.click(`[data-test=nav-${place}]`);
const then =
  (...steps) =>
  async (page) => {
    for (const step of steps) await step(page);
  };
const click = (test) => (page) => page.click(`[data-test="${test}"]`);
const open = (test) => (page) => page.click(`[data-test="${test}"] summary`);
const see = (selector) => (page) => page.waitForSelector(selector);

export const pictures = [
  { name: 'connections', scene: 'home' },
  {
    name: 'connections-details',
    scene: 'home',
    act: then((page) => page.click('[data-test=details] >> nth=0'), click('earlier')),
  },
  {
    name: 'connections-revoked',
    scene: 'home',
    act: then(
      (page) => page.click('[data-test=revoke] >> nth=0'),
      see('[data-test=connection][data-state=revoked] [data-test=again]'),
    ),
  },
  {
    name: 'connections-tools',
    scene: 'home',
    act: then(
      (page) => page.click('[data-test=details] >> nth=0'),
      (page) => page.click('[data-test=tools-compact] >> nth=0'),
      see('[data-test=tools][data-listing=compact]'),
    ),
  },
  {
    name: 'connections-several',
    scene: 'door',
    act: then(
      click('several'),
      (page) => page.click('[data-test=pick] >> nth=0'),
      see('[data-test=revoke-chosen]:enabled'),
    ),
  },
  { name: 'connections-revoke-all', scene: 'door', act: then(click('revoke-all'), see('[data-test=ask-no]')) },
  {
    name: 'connections-rename',
    scene: 'door',
    act: then(
      (page) => page.click('[data-test=details] >> nth=0'),
      (page) => page.click('[data-test=rename] >> nth=0'),
      see('[data-test=name-field]'),
    ),
  },
  {
    name: 'ways',
    scene: 'door',
    act: then(nav('apps'), open('ways'), see('[data-test=key-form]'), open('form-json'), see('[data-test=copy-json]')),
  },
  {
    name: 'ways-key',
    scene: 'door',
    act: then(
      nav('apps'),
      open('ways'),
      (page) => page.fill('[data-test=key-name]', 'Backup script'),
      click('read-playground'),
      click('key-make'),
      see('[data-test=key-made]'),
    ),
  },
  { name: 'connections-empty', scene: 'empty' },
  { name: 'connections-signed-in', scene: 'signed-in' },
  { name: 'connections-many', scene: 'many' },
  { name: 'connections-long', scene: 'long-names' },
  { name: 'connections-needs-you', scene: 'needs-you' },
  { name: 'paused', scene: 'paused' },
  { name: 'pause-menu', scene: 'home', act: then(click('pause'), see('[data-test=pause-minutes15]')) },
  { name: 'services', scene: 'home', act: nav('services') },
  {
    name: 'services-details',
    scene: 'home',
    act: then(nav('services'), (page) => page.click('[data-test=details] >> nth=0')),
  },
  { name: 'services-empty', scene: 'empty', act: nav('services') },
  { name: 'services-needs-you', scene: 'needs-you', act: nav('services') },
  { name: 'services-long', scene: 'long-names', act: nav('services') },
  {
    name: 'services-disconnect',
    scene: 'home',
    act: then(nav('services'), click('disconnect-playground'), see('[data-test=ask-no]')),
  },
  {
    name: 'services-bad-address',
    scene: 'empty',
    act: then(
      nav('services'),
      (page) => page.fill('[data-test=address]', 'example.com'),
      click('connect-address'),
      see('[data-test=problem]'),
    ),
  },
  { name: 'sign-in', scene: 'sign-in', act: nav('services') },
  { name: 'sign-in-failed', scene: 'sign-in-failed', act: nav('services') },
  { name: 'sign-in-again', scene: 'sign-in-again', act: nav('services') },
  { name: 'sign-in-asking', scene: 'sign-in-asking', act: then(nav('services'), open('others')) },
  {
    name: 'sign-in-asking-key',
    scene: 'sign-in-asking',
    act: then(nav('services'), click('method-token'), see('[data-test=continue]:enabled')),
  },
  { name: 'sign-in-one-way', scene: 'sign-in-one-way', act: nav('services') },
  {
    name: 'sign-in-unregistered',
    scene: 'sign-in-unregistered',
    act: then(nav('services'), see('[data-test=continue]:disabled')),
  },
  { name: 'sign-in-device', scene: 'sign-in-device', act: then(nav('services'), see('[data-test=qr]')) },
  { name: 'sign-in-key', scene: 'sign-in-key', act: then(nav('services'), open('key-more')) },
  { name: 'sign-in-key-refused', scene: 'sign-in-key-refused', act: nav('services') },
  {
    name: 'sign-in-key-given',
    scene: 'sign-in-key',
    act: then(
      nav('services'),
      (page) => page.fill('[data-test=key]', 'secret-key'),
      click('give-key'),
      see('[data-test=sign-in][data-phase=finishing]'),
    ),
  },
  {
    name: 'sign-in-password',
    scene: 'sign-in-password',
    act: then(nav('services'), open('where'), see('[data-test=profile-picture]')),
  },
  {
    name: 'sign-in-password-refused',
    scene: 'sign-in-password-refused',
    act: then(
      nav('services'),
      (page) => page.fill('[data-test=password]', 'abcd efgh'),
      see('[data-test=give-password]:enabled'),
    ),
  },
  { name: 'sign-in-finishing', scene: 'sign-in-finishing', act: nav('services') },
  {
    name: 'sign-in-begun',
    scene: 'home',
    act: then(nav('services'), click('connect-mittwald'), see('[data-test=sign-in][data-phase=asking]:focus')),
  },
  {
    name: 'sign-in-chosen',
    scene: 'home',
    act: then(
      nav('services'),
      click('connect-mittwald'),
      click('method-device'),
      click('continue'),
      see('[data-test=sign-in][data-phase=device] [data-test=user-code]'),
    ),
  },
  {
    name: 'services-site',
    scene: 'home',
    act: then(nav('services'), click('connect-wordpress'), see('[data-test=site-wordpress]:focus')),
  },
  {
    name: 'services-search',
    scene: 'home',
    act: then(
      nav('services'),
      (page) => page.fill('[data-test=search]', 'BLOG'),
      see('[data-test=tile][data-id=wordpress]:only-child'),
    ),
  },
  {
    name: 'services-search-none',
    scene: 'home',
    act: then(nav('services'), (page) => page.fill('[data-test=search]', 'nowhere')),
  },
  {
    name: 'services-stays',
    scene: 'stays',
    act: then(nav('services'), (page) => page.click('[data-test=details] >> nth=0'), see('[data-test=stays]')),
  },
  { name: 'services-allow-more', scene: 'allow-more', act: nav('services') },
  { name: 'services-wants-more', scene: 'wants-more', act: nav('services') },
  {
    name: 'services-receipt',
    scene: 'home',
    act: then(
      nav('services'),
      click('disconnect-mittwald'),
      click('ask-yes'),
      see('[data-test=receipts]:focus [data-test=receipt][data-dead=seen_dead]'),
    ),
  },
  { name: 'services-receipts', scene: 'receipts', act: then(nav('services'), open('earlier-receipts')) },
  { name: 'apps', scene: 'home', act: nav('apps') },
  { name: 'apps-preview', scene: 'home', act: then(nav('apps'), click('connect-app-cursor'), see('[data-test=diff]')) },
  {
    name: 'apps-written',
    scene: 'home',
    act: then(nav('apps'), click('connect-app-cursor'), click('write'), see('[data-test=written]')),
  },
  {
    name: 'apps-outdated',
    scene: 'home',
    act: then(
      nav('apps'),
      see('[data-test=connect-app-vscode]'),
      click('disconnect-app-vscode'),
      see('[data-test=written]'),
    ),
  },
  { name: 'activity', scene: 'home', act: nav('activity') },
  { name: 'activity-empty', scene: 'empty', act: nav('activity') },
  { name: 'settings', scene: 'home', act: nav('settings') },
  { name: 'settings-fixed', scene: 'empty', act: nav('settings') },
  { name: 'settings-checked', scene: 'home', act: then(nav('settings'), click('check'), see('[data-test=checks]')) },
  { name: 'keys-unchosen', scene: 'keys-unchosen' },
  { name: 'keys-no-keychain', scene: 'keys-no-keychain' },
  {
    name: 'keys-passphrase-new',
    scene: 'keys-unchosen',
    act: then(click('keys-passphrase'), (page) => page.fill('[data-test=passphrase]', 'short')),
  },
  { name: 'keys-locked', scene: 'keys-locked' },
  { name: 'keys-passphrase', scene: 'keys-passphrase' },
  { name: 'consent', scene: 'consent', small: true, act: see('[data-test=allow]:enabled') },
  {
    name: 'consent-tools',
    scene: 'consent',
    small: true,
    act: then(click('behind'), see('[data-test=allow]:enabled')),
  },
  {
    name: 'consent-none-chosen',
    scene: 'consent',
    small: true,
    act: then(click('read-playground'), click('read-mittwald')),
  },
  {
    name: 'consent-more',
    scene: 'consent-more',
    small: true,
    act: then(click('behind'), see('[data-test=allow]:enabled')),
  },
  { name: 'consent-more-long', scene: 'consent-more-long', small: true },
  {
    name: 'consent-more-allowed',
    scene: 'consent-more',
    small: true,
    act: then(click('allow'), see('[data-test=consent-allowed]')),
  },
  { name: 'consent-unseen', scene: 'consent-unseen', small: true },
  { name: 'consent-nothing', scene: 'consent-nothing', small: true },
  { name: 'consent-long', scene: 'consent-long', small: true },
  {
    name: 'consent-allowed',
    scene: 'consent',
    small: true,
    act: then(click('allow'), see('[data-test=consent-allowed]')),
  },
  { name: 'consent-over', scene: 'consent-over', small: true, act: see('[data-test=consent-over]') },
  { name: 'consent-expired', scene: 'consent-expired', small: true, act: see('[data-test=consent-expired]') },
  { name: 'gone', scene: 'gone', act: see('[data-test=screen-gone]') },
  { name: 'failed', scene: 'failed', act: see('[data-test=problem][data-code="engine.port_in_use"]') },
  { name: 'failed-unknown', scene: 'failed-unknown', act: see('[data-test=screen-failed]') },
];
