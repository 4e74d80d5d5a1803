<?php
// What the site itself knows: `php ask.php TREE passwords|posts|make NAME`, answered in JSON.

$_SERVER['HTTP_HOST'] = 'localhost';
require_once $argv[1] . '/wp-load.php';
$user = get_user_by( 'login', 'anna' );
switch ( $argv[2] ) {
	case 'passwords':
		$all    = WP_Application_Passwords::get_user_application_passwords( $user->ID );
		$answer = array_map( fn ( $one ) => array( 'name' => $one['name'], 'uuid' => $one['uuid'], 'app_id' => $one['app_id'] ), $all );
		break;
	case 'make':
		$made   = WP_Application_Passwords::create_new_application_password( $user->ID, array( 'name' => $argv[3] ) );
		$answer = $made[0];
		break;
	case 'posts':
		$answer = wp_list_pluck( get_posts( array( 'post_status' => 'any' ) ), 'post_title' );
		break;
}
echo json_encode( is_array( $answer ) ? array_values( $answer ) : $answer ), "\n";
