import { BpfError, check, errnoName } from "./errors.js";
import koffi from "./koffi.js";
import { lazily } from "./libbpf.js";
import { errno } from "./libc.js";

const ring_buffer__new = lazily(
	"void *ring_buffer__new(int map_fd, void *sample_cb, void *ctx, const void *opts)",
);
const ring_buffer__consume = lazily("int ring_buffer__consume(void *rb)");
const ring_buffer__epoll_fd = lazily("int ring_buffer__epoll_fd(void *rb)");
const ring_buffer__free = lazily("void ring_buffer__free(void *rb)");
const sampleFunction = koffi.pointer(
	koffi.proto("int ring_buffer_sample(void *ctx, void *data, size_t size)"),
);

/** A BPF ring buffer (`BPF_MAP_TYPE_RINGBUF`) that is being read. There must be one reader. */
export interface Ring {
	/**
	 * Hands out events that wait, without waiting for the event loop to say that there are some.
	 * At most `BATCH`, so that a program that never stops writing cannot keep the process to itself.
	 *
	 * @returns how many there were; 0: none is left
	 */
	consume(): number;
	/** Stops reading. Events that were not handed out stay in the map. */
	close(): void;
}

/** Events handed out before the event loop has its turn again. */
const BATCH = 1024;
/** What the callback returns to make libbpf stop; the event is consumed. */
const STOP = -1;

/**
 * Reads a ring buffer: `onEvent` is called from the event loop with a copy of each event, in order, and keeps the
 * process alive until `close`. `consume`, or the event loop, passes on what `onEvent` throws.
 *
 * @param fd the map's descriptor, which stays the caller's
 * @throws BpfError EINVAL not a ring buffer; EPERM no rights.
 */
export function openRing(fd: number, onEvent: (event: Buffer) => void): Ring {
	let count = 0;
	let thrown: { error: unknown } | undefined;
	const callback = koffi.register(
		(_context: unknown, data: unknown, size: number | bigint) => {
			count++;
			try {
				onEvent(Buffer.from(Buffer.from(koffi.view(data, Number(size)))));
			} catch (error) {
				// An exception must not cross libbpf's frames.
				thrown = { error };
			}
			return thrown || count >= BATCH ? STOP : 0;
		},
		sampleFunction,
	);
	const buffer = ring_buffer__new(fd, callback, null, null);
	if (!buffer) {
		const code = errnoName(errno());
		koffi.unregister(callback);
		throw new BpfError("read the ring buffer", code);
	}

	const consume = () => {
		count = 0;
		thrown = undefined;
		const status: number = ring_buffer__consume(buffer);
		// The function above changes it, which the compiler cannot see.
		const raised = thrown as { error: unknown } | undefined;
		if (raised) throw raised.error;
		if (status !== STOP) check(status, "read the ring buffer");
		return count;
	};
	const watch = koffi.node.poll(
		ring_buffer__epoll_fd(buffer),
		{ readable: true },
		consume,
	);
	let open = true;
	return {
		consume: () => (open ? consume() : 0),
		close() {
			if (!open) return;
			open = false;
			watch.close();
			ring_buffer__free(buffer);
			koffi.unregister(callback);
		},
	};
}
