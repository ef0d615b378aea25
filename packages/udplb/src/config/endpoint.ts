/** "10.0.0.1:53", "[fd00::1]:53". */
export const endpointText = (host: string, port: number) =>
	host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
