/**
 * What mittwald's MCP server offers: 116 tools, none of which says whether it only reads. Those that do are the ones in
 * the read list of Bellhop's own tile; these are the others.
 */

import { readFileSync } from 'node:fs';

const CATALOGUE = new URL('../../../crates/engine/data/catalogue.json', import.meta.url);

const CHANGING = `
app_copy app_uninstall app_update app_upgrade
backup_create backup_delete backup_schedule_create backup_schedule_delete backup_schedule_update
certificate_request container_delete container_restart container_start container_stop
context_reset_session context_set_session conversation_create
cronjob_create cronjob_delete cronjob_execute cronjob_execution_abort cronjob_update
database_mysql_create database_mysql_delete database_mysql_user_create database_mysql_user_delete
database_mysql_user_update database_redis_create domain_dnszone_update domain_virtualhost_create
domain_virtualhost_delete mail_address_create mail_address_delete mail_deliverybox_create
mail_deliverybox_delete org_invite project_create project_delete project_update registry_create
stack_delete stack_deploy user_api_token_create user_ssh_key_create user_ssh_key_delete volume_create
`
  .trim()
  .split(/\s+/)
  .map((name) => `mittwald_${name}`);

const tile = JSON.parse(readFileSync(CATALOGUE, 'utf8')).find((entry) => entry.name === 'de.mittwald/mcp');
const READING = tile._meta['app.bellhop.desktop/tile'].readTools;

export const TOOLS = [...READING, ...CHANGING].map((name) => ({
  name,
  description: `${name.replaceAll('_', ' ').replace('mittwald ', '')} at mittwald.`,
  inputSchema: { type: 'object', properties: { output: { type: 'string', enum: ['json', 'txt'] } } },
}));

/** The permission that a tool needs: of what it is about, to read or to write. */
export function needed(name) {
  const about = { user: 'user', org: 'customer', project: 'project', app: 'app' }[name.split('_')[1]];
  return about && `${about}:${READING.includes(name) ? 'read' : 'write'}`;
}

/** What a tool answers, in the wrapping that all of them have. */
export function answer(name, account) {
  const data =
    name === 'mittwald_user_get'
      ? { userId: account.id, email: account.email, person: account.person }
      : { tool: name, of: account.email };
  return { content: [{ type: 'text', text: JSON.stringify({ status: 'success', data }) }] };
}
