import { loadObject } from "@sluice/maps"; import { lbKeysTable, lbSlotsTable, lbUpstreamsTable } from "@sluice/maps/tables";
import { ownNamespaces } from "@sluice/testbed"; import { execFileSync } from "node:child_process";
ownNamespaces();
const sh=(c:string)=>execFileSync("sh",["-c",c]).toString();
sh("ip link set lo up; ip link add va address 02:00:00:00:00:01 type veth peer name vb; ip link set va up; ip link set vb up; ip addr add 10.2.0.1/16 dev va; ip neigh add 10.1.0.1 lladdr 02:00:00:00:00:09 dev va; ip route add 10.1.0.1 dev va; sysctl -qw net.ipv4.ip_forward=1");
const idx=Number(sh("ip -o link show va | cut -d: -f1"));
const ip=Buffer.alloc(14+20+8+64); ip.writeUInt16BE(0x0800,12); ip[14]=0x45; ip.writeUInt16BE(92,16); ip[22]=64; ip[23]=17; Buffer.from([10,1,0,2]).copy(ip,26); Buffer.from([10,1,0,1]).copy(ip,30); ip.writeUInt16BE(5555,34); ip.writeUInt16BE(4000,36); ip.writeUInt16BE(72,38); ip.writeUInt16BE(0x1234,40);
Buffer.from("020000000001","hex").copy(ip,0); const ctx=Buffer.alloc(192); ctx.writeUInt32LE(idx,40);
for (let round=0;round<2;round++) for (const f of process.argv.slice(2)) {
const obj=loadObject(`/tmp/pf/${f}.o`);
const keys=obj.table(lbKeysTable), slots=obj.table(lbSlotsTable), ups=obj.table(lbUpstreamsTable);
keys.set({addr:"10.1.0.1",port:4000},{chunk:0,slots:1,strategy:0}); slots.set(0,new Uint32Array(16)); 
const out:string[]=[];
for (const act of [1,0]) { ups.set(0,{addr:"10.1.0.1",keyAddr:"10.1.0.1",port:4000,keyPort:4000,action:act,flags:0,ifindex:0,weight:1,inUse:1});
const p=obj.program("udplb"); let best=1e9, last:any; for(let i=0;i<3000;i++){ last=p.testRun({data:ip,context:ctx,repeat:60}); best=Math.min(best,last.duration);} out.push(`${act?"block":"pass"} ${last.verdict} ${best}`);}
console.log(f,out.join("  ")); obj.close(); }
process.exit(0)
