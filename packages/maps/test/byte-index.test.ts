import test from "ava";
import { ByteIndex } from "../src/byte-index.js";

for (const size of [1, 4, 6, 20, 23])
	for (const expected of [0, 5000])
		test(`5000 keys of ${size} bytes are found again, ${expected} expected`, (t) => {
			const count = Math.min(5000, 256 ** size);
			const index = new ByteIndex(size, expected);
			const keys = Buffer.alloc(count * size);
			for (let i = 0; i < count; i++) {
				// What differs stands at the end, as in addresses.
				for (let byte = 0; byte < Math.min(4, size); byte++)
					keys[(i + 1) * size - 1 - byte] = i >> (8 * byte);
				t.is(index.find(keys, i * size), -1);
				t.is(index.add(keys, i * size), i);
			}
			t.is(index.count, count);
			t.true(index.room > count);
			t.deepEqual(index.keys.subarray(0, count * size), keys);
			for (let i = 0; i < count; i++) {
				const alone = Buffer.from(keys.subarray(i * size, (i + 1) * size));
				if (index.find(alone, 0) !== i) t.fail(`key ${i} is not found`);
			}
		});
