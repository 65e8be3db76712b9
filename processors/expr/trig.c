/* Trigonometry, in radians and in degrees, and the hyperbolic functions.
 *
 * In degrees what has an exact answer gets it: sind(30) is 0.5.  As in
 * PostgreSQL each function is computed in the first quadrant by a formula
 * whose value at 30, 45 or 60 degrees is divided by itself; which of the two
 * formulas is taken changes where sine and cosine cross one half.
 */
#include "processors/expr/kernel.h"

#include <math.h>

#define RADIAN 0.0174532925199432957692

static void out_of_range(cu_call *c, uint32_t row)
{
    cu_call_fail(c, row, CU_E_OUT_OF_RANGE, "input is out of range");
}

static void overflow(cu_call *c, uint32_t row)
{
    cu_call_fail(c, row, CU_E_OUT_OF_RANGE, "value out of range: overflow");
}

/* --- degrees, first quadrant ----------------------------------------- */

/* Read at run time: the compiler must not fold what they are used in with
 * another precision than the library has. */
static volatile const double one = 1.0, half = 0.5, thirty = 30.0, sixty = 60.0,
                             forty_five = 45.0;

static double sin_to_30(double x)
{
    return sin(x * RADIAN) / sin(thirty * RADIAN) / 2.0;
}

static double cos_to_60(double x)
{
    const double whole = 1.0 - cos(sixty * RADIAN);
    return 1.0 - (1.0 - cos(x * RADIAN)) / whole / 2.0;
}

static double sin_quarter(double x)
{
    return x <= 30.0 ? sin_to_30(x) : cos_to_60(90.0 - x);
}

static double cos_quarter(double x)
{
    return x <= 60.0 ? cos_to_60(x) : sin_to_30(90.0 - x);
}

static double asin_quarter(double x)
{
    if (x <= 0.5)
        return asin(x) / asin(half) * 30.0;
    return 90.0 - acos(x) / acos(half) * 60.0;
}

static double acos_quarter(double x)
{
    if (x <= 0.5)
        return 90.0 - asin(x) / asin(half) * 30.0;
    return acos(x) / acos(half) * 60.0;
}

/* --- degrees --------------------------------------------------------- */

/* The same angle in the first quadrant, and what that did to the signs. */
typedef struct folded {
    double x;
    int sin_sign, cos_sign;
} folded;

static folded fold(double x)
{
    folded f = {fmod(x, 360.0), 1, 1};
    if (f.x < 0) {
        f.x = -f.x;
        f.sin_sign = -1;
    }
    if (f.x > 180.0) {
        f.x = 360.0 - f.x;
        f.sin_sign = -f.sin_sign;
    }
    if (f.x > 90.0) {
        f.x = 180.0 - f.x;
        f.cos_sign = -1;
    }
    return f;
}

static double sind(double x)
{
    const folded f = fold(x);
    return f.sin_sign * sin_quarter(f.x);
}

static double cosd(double x)
{
    const folded f = fold(x);
    return f.cos_sign * cos_quarter(f.x);
}

/* No negative zero. */
static double positive_zero(double x)
{
    return x == 0 ? 0.0 : x;
}

static double tand(double x)
{
    const folded f = fold(x);
    const double t = sin_quarter(f.x) / cos_quarter(f.x);
    const double unit = sin_quarter(forty_five) / cos_quarter(forty_five);
    return positive_zero(f.sin_sign * f.cos_sign * (t / unit));
}

static double cotd(double x)
{
    const folded f = fold(x);
    const double t = cos_quarter(f.x) / sin_quarter(f.x);
    const double unit = cos_quarter(forty_five) / sin_quarter(forty_five);
    return positive_zero(f.sin_sign * f.cos_sign * (t / unit));
}

static double asind(double x)
{
    return x >= 0 ? asin_quarter(x) : -asin_quarter(-x);
}

static double acosd(double x)
{
    return x >= 0 ? acos_quarter(x) : 90.0 + asin_quarter(-x);
}

static double atand(double x)
{
    return atan(x) / atan(one) * 45.0;
}

static double atan2d(double y, double x)
{
    return atan2(y, x) / atan(one) * 45.0;
}

static double cot(double x)
{
    return 1.0 / tan(x);
}

/* --- kernels --------------------------------------------------------- */

/* Which arguments have no answer. */
#define INFINITE(v)   (isinf(v) != 0)
#define BEYOND_1(v)   ((v) < -1.0 || (v) > 1.0)
#define BELOW_1(v)    ((v) < 1.0)
#define NO_REFUSAL(v) (false)

#define FUNCTION(fn, f, REFUSED)                            \
    static void fn(cu_call *c)                              \
    {                                                       \
        CU_ARG(double, x, c, 0);                            \
        for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) { \
            const double v = CU_AT(x, r);                   \
            if (isnan(v))                                   \
                CU_OUT(double, c)[r] = v;                   \
            else if (REFUSED(v))                            \
                out_of_range(c, r);                         \
            else                                            \
                CU_OUT(double, c)[r] = f(v);                \
        }                                                   \
    }

FUNCTION(sin_kernel, sin, INFINITE)
FUNCTION(cos_kernel, cos, INFINITE)
FUNCTION(tan_kernel, tan, INFINITE)
FUNCTION(cot_kernel, cot, INFINITE)
FUNCTION(asin_kernel, asin, BEYOND_1)
FUNCTION(acos_kernel, acos, BEYOND_1)
FUNCTION(atan_kernel, atan, NO_REFUSAL)
FUNCTION(sind_kernel, sind, INFINITE)
FUNCTION(cosd_kernel, cosd, INFINITE)
FUNCTION(tand_kernel, tand, INFINITE)
FUNCTION(cotd_kernel, cotd, INFINITE)
FUNCTION(asind_kernel, asind, BEYOND_1)
FUNCTION(acosd_kernel, acosd, BEYOND_1)
FUNCTION(atand_kernel, atand, NO_REFUSAL)
FUNCTION(sinh_kernel, sinh, NO_REFUSAL)
FUNCTION(cosh_kernel, cosh, NO_REFUSAL)
FUNCTION(tanh_kernel, tanh, NO_REFUSAL)
FUNCTION(asinh_kernel, asinh, NO_REFUSAL)
FUNCTION(acosh_kernel, acosh, BELOW_1)
FUNCTION(atanh_kernel, atanh, BEYOND_1)

CU_BINARY_ROWS(atan2_kernel, double, double, double, atan2)
CU_BINARY_ROWS(atan2d_kernel, double, double, double, atan2d)

static void degrees(cu_call *c)
{
    CU_ARG(double, x, c, 0);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const double v = CU_AT(x, r), d = v / RADIAN;
        CU_OUT(double, c)[r] = d;
        if (isinf(d) && !isinf(v))
            overflow(c, r);
    }
}

static void radians(cu_call *c)
{
    CU_ARG(double, x, c, 0);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const double v = CU_AT(x, r), d = v * RADIAN;
        CU_OUT(double, c)[r] = d;
        if (d == 0 && v != 0)
            cu_call_fail(c, r, CU_E_OUT_OF_RANGE,
                         "value out of range: underflow");
    }
}

#define F8               CU_T_FLOAT8
#define OF_ONE(nm, text) CU_FN(#nm, F8, nm##_kernel, text, F8)

static const cu_func list[] = {
    OF_ONE(sin, "sine"),
    OF_ONE(cos, "cosine"),
    OF_ONE(tan, "tangent"),
    OF_ONE(cot, "cotangent"),
    OF_ONE(asin, "inverse sine"),
    OF_ONE(acos, "inverse cosine"),
    OF_ONE(atan, "inverse tangent"),
    OF_ONE(sind, "sine of degrees"),
    OF_ONE(cosd, "cosine of degrees"),
    OF_ONE(tand, "tangent of degrees"),
    OF_ONE(cotd, "cotangent of degrees"),
    OF_ONE(asind, "inverse sine, in degrees"),
    OF_ONE(acosd, "inverse cosine, in degrees"),
    OF_ONE(atand, "inverse tangent, in degrees"),
    OF_ONE(sinh, "hyperbolic sine"),
    OF_ONE(cosh, "hyperbolic cosine"),
    OF_ONE(tanh, "hyperbolic tangent"),
    OF_ONE(asinh, "inverse hyperbolic sine"),
    OF_ONE(acosh, "inverse hyperbolic cosine"),
    OF_ONE(atanh, "inverse hyperbolic tangent"),
    CU_FN("atan2", F8, atan2_kernel, "inverse tangent of x / y", F8, F8),
    CU_FN("atan2d", F8, atan2d_kernel, "inverse tangent of x / y, in degrees",
          F8, F8),
    CU_FN("degrees", F8, degrees, "radians in degrees", F8),
    CU_FN("radians", F8, radians, "degrees in radians", F8),
};
CU_PART(cu_part_trig, list);
