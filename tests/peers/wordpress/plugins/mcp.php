<?php
/**
 * Plugin Name: MCP for the tests
 * Description: An MCP server (2025-11-25) as a REST route, for everybody whom WordPress knows.
 */

const BELLHOP_MCP_TOOLS = array(
	array(
		'name'        => 'whoami',
		'description' => 'Who is signed in',
		'inputSchema' => array( 'type' => 'object' ),
		'annotations' => array( 'readOnlyHint' => true ),
	),
	array(
		'name'        => 'write_post',
		'description' => 'Write a draft',
		'inputSchema' => array(
			'type'       => 'object',
			'properties' => array( 'title' => array( 'type' => 'string' ) ),
			'required'   => array( 'title' ),
		),
	),
);

add_action(
	'rest_api_init',
	function () {
		register_rest_route(
			'mcp',
			'/mcp-adapter-default-server',
			array(
				'methods'             => array( 'POST', 'GET', 'DELETE' ),
				'callback'            => 'bellhop_mcp',
				'permission_callback' => 'is_user_logged_in',
			)
		);
	}
);

function bellhop_mcp( WP_REST_Request $request ): WP_REST_Response {
	if ( 'POST' !== $request->get_method() ) {
		return new WP_REST_Response( null, 405 );
	}
	$message = json_decode( $request->get_body(), true );
	if ( ! is_array( $message ) || ! isset( $message['method'] ) ) {
		return bellhop_mcp_error( null, -32600, 'Invalid Request' );
	}
	if ( ! isset( $message['id'] ) ) {
		return new WP_REST_Response( null, 202 );
	}
	switch ( $message['method'] ) {
		case 'initialize':
			$result = array(
				'protocolVersion' => '2025-11-25',
				'capabilities'    => array( 'tools' => new stdClass() ),
				'serverInfo'      => array(
					'name'    => 'mcp-for-the-tests',
					'version' => '1.0.0',
				),
			);
			break;
		case 'ping':
			$result = new stdClass();
			break;
		case 'tools/list':
			$result = array( 'tools' => BELLHOP_MCP_TOOLS );
			break;
		case 'tools/call':
			$result = bellhop_mcp_call( $message['params']['name'] ?? '', $message['params']['arguments'] ?? array() );
			break;
		default:
			return bellhop_mcp_error( $message['id'], -32601, 'Method not found' );
	}
	return new WP_REST_Response( array( 'jsonrpc' => '2.0', 'id' => $message['id'], 'result' => $result ) );
}

function bellhop_mcp_error( $id, int $code, string $text ): WP_REST_Response {
	$error = array( 'code' => $code, 'message' => $text );
	return new WP_REST_Response( array( 'jsonrpc' => '2.0', 'id' => $id, 'error' => $error ) );
}

function bellhop_mcp_call( string $tool, array $arguments ): array {
	$text = 'unknown tool';
	if ( 'whoami' === $tool ) {
		$text = wp_get_current_user()->user_login;
	} elseif ( 'write_post' === $tool && current_user_can( 'edit_posts' ) ) {
		$text = (string) wp_insert_post( array( 'post_title' => sanitize_text_field( $arguments['title'] ?? '' ) ) );
	}
	$content = array( array( 'type' => 'text', 'text' => $text ) );
	return array( 'content' => $content, 'isError' => 'unknown tool' === $text );
}
