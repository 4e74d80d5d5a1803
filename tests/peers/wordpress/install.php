<?php
// Makes the database and installs WordPress in it: `php install.php TREE`.

define( 'WP_INSTALLING', true );
$socket = getenv( 'SITE_SOCKET' );
$server = new mysqli( 'localhost', 'root', '', '', 0, $socket );
$server->query( 'CREATE DATABASE wordpress CHARACTER SET utf8mb4' );
$server->close();

$_SERVER['HTTP_HOST'] = 'localhost';
require_once $argv[1] . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';

// No mail is sent from here.
function wp_new_blog_notification( ...$nothing ) {}

wp_install( "Anna's blog", 'anna', 'anna@blog.example', false, '', getenv( 'SITE_PASSWORD' ) );
update_option( 'permalink_structure', '/%postname%/' );
wp_insert_user(
	array(
		'user_login' => 'bo',
		'user_pass'  => getenv( 'SITE_PASSWORD' ),
		'role'       => 'editor',
	)
);
echo "installed\n";
