<?php
/**
 * Plugin Name: No permalinks
 */

add_filter( 'pre_option_permalink_structure', fn () => '' );
