/** Why a device came or went, by the node's word for it. */
export const PRESENCE = {
  connected: "connected", birth: "its edge node came back", gateway_said_there: "its gateway said so", gateway_said_gone: "its gateway said so", NBIRTH: "Sparkplug birth", DBIRTH: "Sparkplug birth", NDEATH: "Sparkplug death", DDEATH: "Sparkplug death", edge_node_offline: "its edge node or gateway went offline",
  client_with_will: "signed off with its will", protocol_error: "it broke the protocol", receive_maximum_exceeded: "it did not wait for acknowledgements", topic_alias_invalid: "it used a topic alias that means nothing", payload_format_invalid: "its payload is not the text it is said to be", websocket_broken: "it sent a broken WebSocket frame", not_authorized: "it may not do what it tried",
  client: "signed off", connection_lost: "the connection broke", keep_alive: "nothing was heard for too long", taken_over: "it connected anew", quota_exceeded: "the quota of its organisation is used up", slow_reader: "it read too slowly", credential_moved: "its credential belongs to another device now",
  listener_stopped: "the MQTT listener stopped", listener_lost: "the MQTT listener was lost", malformed: "it sent a malformed packet", packet_too_large: "it sent too large a packet", unexpected_packet: "it sent an unexpected packet",
};
