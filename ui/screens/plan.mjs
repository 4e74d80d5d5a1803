// Each picture: a scene of the preview, and what a person does before it is taken.
const nav = (place) => (page) => page.click(`[data-test=nav-${place}]`);
const then =
  (...steps) =>
  async (page) => {
    for (const step of steps) await step(page);
  };
const click = (test) => (page) => page.click(`[data-test="${test}"]`);
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
