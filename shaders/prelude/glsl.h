/* The kernel dialect as GLSL for Vulkan.
 *
 * A lane is an invocation. `real` is precise, and so is all arithmetic that ends in a buffer: drivers may
 * not fuse products with sums of their own accord. Buffers may be the same memory, since kernels work in
 * place: without the decoration (Aliased) SPIR-V lets a driver assume the opposite. The build puts
 * P.NAME_at + behind the bracket of every access to buffer NAME, because descriptors start only at
 * multiples of some bytes and views start anywhere; BUFFER_OFFSETS are these members.
 */
#extension GL_EXT_spirv_intrinsics : require
#extension GL_EXT_control_flow_attributes : require
#define ALIASED           spirv_decorate(20)
#define real              precise float
#define PARAMS(name)      layout(std140, set = 1, binding = 0) uniform name##_p {
#define P_I(x)            int x;
#define P_U(x)            uint x;
#define P_F(x)            float x;
#define PARAMS_END(name)  BUFFER_OFFSETS } P;
#define KERNEL(name)      layout(local_size_x = WG) in;
#define IN(i, T, x)       layout(std430, set = 0, binding = i) ALIASED readonly buffer x##_b { T x[]; };
#define OUT(i, T, x)      layout(std430, set = 0, binding = i) ALIASED buffer x##_b { T x[]; };
#define LOCALS
#define SHARED(T, x, n)   shared T x[n];
#define SHARED_SIZED(T, x, n) SHARED(T, x, n)
#define BEGIN                                                                                                \
    void main()                                                                                              \
    {                                                                                                        \
        const int lid = int(gl_LocalInvocationID.x);                                                         \
        const int grp_x = int(gl_WorkGroupID.x);                                                             \
        const int grp_y = int(gl_WorkGroupID.y);
#define END               }
#define PAR
#define PAR_ROWS          if (ROW < P.rows)
#define ROW               (grp_x * WG + lid)
#define SYNC              barrier()
#define PRIV(T, x)        T x;
#define PRIVN(T, x, n)    T x[n];
#define L(x)              x
#define LN(x, i)          x[i]
#define FN
#define UNROLL            [[unroll]]
#define TO_F(x)           float(x)
#define TO_I(x)           int(x)
#define TO_U(x)           uint(x)
#define AS_F(x)           uintBitsToFloat(x)
#define AS_U(x)           floatBitsToUint(x)
#define M_SQRT            sqrt
#define M_ABS             abs
#define M_FLOOR           floor
#define M_FMA             fma
#define M_EPSILON         1.1920929e-7f
uint m_mulhi(uint a, uint b)
{
    uint high;
    uint low;
    umulExtended(a, b, high, low);
    return high;
}
#define MULHI             m_mulhi
#define EACH_FEATURE(i, n) for (int i = grp_y; i < (n); i += int(gl_NumWorkGroups.y))
/* Every lane's loops have their own length here. */
#define ACROSS_ROWS_ADD(to, x) if (ROW < P.rows && x != 0) atomicAdd(to, x);
#define ACROSS_ROWS_MAX(to, x) if (ROW < P.rows) to = x > to ? x : to;
