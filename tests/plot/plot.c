/* Contours, ticks, principal directions, and files of figures. */
#include "support/support.h"
#include "plot/chart.h"
#include "plot/figure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- contours ---------------------------------------------------------------------------------- */

typedef struct trace {
    int segments;
    double length, worst; /* distance of the ends from the circle of radius 1 */
} trace;

static void follow(void *user, const double from[2], const double to[2])
{
    trace *t = user;
    ++t->segments;
    t->length += hypot(to[0] - from[0], to[1] - from[1]);
    t->worst = fmax(t->worst, fmax(fabs(hypot(from[0], from[1]) - 1), fabs(hypot(to[0], to[1]) - 1)));
}

Test(contour, a_cone_gives_a_circle)
{
    enum { ROWS = 61, COLS = 81 };
    static float values[ROWS][COLS];
    brn_box area = {-2, -1.5, 2, 1.5};
    for (int i = 0; i < ROWS; ++i)
        for (int j = 0; j < COLS; ++j) values[i][j] = hypotf(-2 + j * .05f, -1.5f + i * .05f);
    trace t = {0};
    brn_contour(&values[0][0], ROWS, COLS, area, 1, follow, &t);
    cr_assert_lt(t.worst, 1e-3);
    cr_assert_lt(fabs(t.length - 2 * 3.14159265), .01);
}

typedef struct nearest {
    double to_origin, to_right; /* least distance of a piece's middle to the corners (0, 0), (1, 0) */
} nearest;

static void corner_distance(void *user, const double from[2], const double to[2])
{
    nearest *n = user;
    double x = (from[0] + to[0]) / 2, y = (from[1] + to[1]) / 2;
    n->to_origin = fmin(n->to_origin, hypot(x, y));
    n->to_right = fmin(n->to_right, hypot(x - 1, y));
}

Test(contour, a_saddle_cuts_off_the_corners_that_differ_from_its_centre)
{
    float high[4] = {1, -.5f, -.5f, 1}, low[4] = {.5f, -1, -1, .5f};
    brn_box unit = {0, 0, 1, 1};
    nearest of_high = {9, 9}, of_low = {9, 9};
    brn_contour(high, 2, 2, unit, 0, corner_distance, &of_high);
    brn_contour(low, 2, 2, unit, 0, corner_distance, &of_low);
    cr_assert_lt(of_high.to_right, of_high.to_origin);
    cr_assert_lt(of_low.to_origin, of_low.to_right);
}

Test(contour, numbers_that_are_not_finite_are_left_out)
{
    float values[4] = {1, -1, NAN, 1};
    trace t = {0};
    brn_contour(values, 2, 2, (brn_box){0, 0, 1, 1}, 0, follow, &t);
    cr_assert_eq(t.segments, 0);
}

/* ---- ticks ------------------------------------------------------------------------------------- */

Test(ticks, are_round_and_few)
{
    const struct {
        double low, high, first, step;
        int count;
    } cases[] = {
        {-6.3, 6.3, -6, 2, 7}, {0, 1, 0, .2, 6}, {.013, .094, .02, .02, 4}, {-1e6, 3e6, -1e6, 1e6, 5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        double first, step;
        int count = brn_ticks(cases[i].low, cases[i].high, 7, &first, &step);
        cr_expect_eq(count, cases[i].count, "case %zu: %d ticks", i, count);
        cr_expect_lt(fabs(first - cases[i].first), 1e-9 * step, "case %zu: first %g", i, first);
        cr_expect_lt(fabs(step - cases[i].step), 1e-9 * step, "case %zu: step %g", i, step);
    }
}

/* ---- colours ----------------------------------------------------------------------------------- */

/* CIE lightness of what a screen shows. */
static double lightness(brn_color c)
{
    const double v[] = {c.red, c.green, c.blue}, weight[] = {.2126, .7152, .0722};
    double y = 0;
    for (int i = 0; i < 3; ++i) y += weight[i] * (v[i] <= .04045 ? v[i] / 12.92 : pow((v[i] + .055) / 1.055, 2.4));
    return 116 * cbrt(y) - 16;
}

Test(colors, of_a_scale_darken_evenly)
{
    enum { BANDS = 24 };
    double least = 100, most = 0;
    for (int k = 0; k + 1 < BANDS; ++k) {
        const double step = lightness(brn_heat((k + .01) / BANDS)) - lightness(brn_heat((k + 1.99) / BANDS));
        least = fmin(least, step), most = fmax(most, step);
    }
    cr_assert_float_eq(lightness(brn_heat(-3)), 100, .1);
    cr_assert_float_eq(lightness(brn_heat(7)), lightness(brn_heat(.99)), 1e-9);
    cr_assert(least > 0 && most < 1.6 * least, "steps of lightness from %g to %g", least, most);
}

/* ---- principal directions ---------------------------------------------------------------------- */

Test(principal, the_longest_directions_are_found)
{
    enum { ROWS = 400, N = 5 };
    static float rows[ROWS][N];
    double directions[2][N], mean[N];
    for (int i = 0; i < ROWS; ++i) {
        double angle = 2 * 3.14159265 * i / ROWS; /* long along axis 3, less along (0, 1)/sqrt 2 */
        rows[i][3] = (float)(7 + 5 * cos(angle));
        rows[i][0] = rows[i][1] = (float)(2 * sin(angle));
        rows[i][2] = .1f * (float)cos(3 * angle);
    }
    MUST(brn_principal_plane(&rows[0][0], ROWS, N, &directions[0][0], mean));
    cr_assert_lt(fabs(mean[3] - 7), 1e-5);
    cr_assert_lt(fabs(fabs(directions[0][3]) - 1), 1e-5);
    cr_assert_lt(fabs(fabs(directions[1][0] + directions[1][1]) - sqrt(2)), 1e-5);
}

Test(principal, a_single_line_still_gives_a_plane)
{
    float rows[3][3] = {{1, 0, 0}, {2, 0, 0}, {4, 0, 0}};
    double directions[2][3], mean[3];
    MUST(brn_principal_plane(&rows[0][0], 3, 3, &directions[0][0], mean));
    double dot = 0, length = 0;
    for (int i = 0; i < 3; ++i) {
        dot += directions[0][i] * directions[1][i];
        length += directions[1][i] * directions[1][i];
    }
    cr_assert_lt(fabs(dot), 1e-9);
    cr_assert_lt(fabs(length - 1), 1e-9);
}

/* ---- files ------------------------------------------------------------------------------------- */

Test(figure, endings_choose_the_format)
{
    brn_figure *figure;
    MUST_FAIL(brn_figure_open(&figure, "a.bmp", 100, 100), BRN_ERR_USAGE, ".png, .svg or .pdf");
    MUST_FAIL(brn_figure_open(&figure, "folder.png/figure", 100, 100), BRN_ERR_USAGE, "folder.png/figure");
    cr_assert_null(figure);
}

Test(figure, is_written_when_it_is_saved)
{
    char folder[64], path[96];
    test_make_dir(folder);
    snprintf(path, sizeof path, "%s/a.PNG", folder);
    brn_figure *figure;
    brn_axes axes;
    double point[] = {0, 0};
    MUST(brn_figure_open(&figure, path, 200, 200));
    brn_axes_begin(&axes, figure, (brn_box){40, 30, 180, 170}, (brn_box){0, 0, 0, 0}, "a single point", BRN_TICKS_NUMBERED);
    brn_axes_scatter(&axes, point, 1, 3, BRN_BLUE);
    brn_axes_end(&axes);
    cr_assert_neq(access(path, F_OK), 0);
    MUST(brn_figure_save(figure));
    cr_assert_eq(access(path, R_OK), 0);
    snprintf(path, sizeof path, "%s/none/a.svg", folder);
    MUST(brn_figure_open(&figure, path, 100, 100));
    MUST_FAIL(brn_figure_save(figure), BRN_ERR_DISK, "none");
    test_remove_dir(folder);
}

/* ---- charts ------------------------------------------------------------------------------------ */

Test(chart, logarithmic_ticks)
{
    double t[64];
    cr_assert_eq(brn_log_ticks(.03, 2, 64, t), 6); /* .05 .1 .2 .5 1 2 */
    cr_assert_float_eq(t[0], .05, 1e-12);
    cr_assert_float_eq(t[5], 2, 1e-12);
    cr_assert_eq(brn_log_ticks(1e-4, 1e4, 64, t), 9); /* powers only */
    cr_assert_eq(brn_log_ticks(1e-30, 1e30, 3, t), 3);
}

Test(chart, without_a_point_there_is_no_file)
{
    const double x[] = {1, 2}, y[] = {0, -1};
    const brn_series s = {.label = "none", .count = 2, .x = x, .y = y};
    const brn_chart chart = {.x_label = "x", .y_label = "y", .log_y = true, .count = 1, .series = &s};
    MUST_FAIL(brn_chart_draw(&chart, "/nothing/here.png"), BRN_ERR_INPUT, "no point");
}
