<?php
// A site of the tests. What it is like comes from the environment, so that one database can be looked at through
// several servers.

function bellhop_site( string $name ): string {
	return (string) getenv( "SITE_$name" );
}

define( 'DB_NAME', 'wordpress' );
define( 'DB_USER', 'root' );
define( 'DB_PASSWORD', '' );
define( 'DB_HOST', 'localhost:' . bellhop_site( 'SOCKET' ) );
define( 'DB_CHARSET', 'utf8mb4' );
define( 'DB_COLLATE', '' );
$table_prefix = 'wp_';

define( 'WP_HOME', bellhop_site( 'URL' ) );
define( 'WP_SITEURL', bellhop_site( 'URL' ) );
define( 'WP_ENVIRONMENT_TYPE', bellhop_site( 'TYPE' ) );
define( 'WPMU_PLUGIN_DIR', bellhop_site( 'PLUGINS' ) );

// It reaches nobody, and does nothing by itself.
define( 'WP_HTTP_BLOCK_EXTERNAL', true );
define( 'DISABLE_WP_CRON', true );
define( 'AUTOMATIC_UPDATER_DISABLED', true );

foreach ( array( 'AUTH', 'SECURE_AUTH', 'LOGGED_IN', 'NONCE' ) as $name ) {
	define( "{$name}_KEY", "key of the tests $name" );
	define( "{$name}_SALT", "salt of the tests $name" );
}

// TLS ends before it.
if ( 'https' === ( $_SERVER['HTTP_X_FORWARDED_PROTO'] ?? '' ) ) {
	$_SERVER['HTTPS'] = 'on';
}
// As with a web server that keeps the header to itself.
if ( bellhop_site( 'STRIPPED' ) ) {
	foreach ( array( 'HTTP_AUTHORIZATION', 'PHP_AUTH_USER', 'PHP_AUTH_PW' ) as $name ) {
		unset( $_SERVER[ $name ] );
	}
}

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
