<?php
/**
 * Plugin Name: No application passwords
 * Description: What security plugins do.
 */

add_filter( 'wp_is_application_passwords_available', '__return_false' );
